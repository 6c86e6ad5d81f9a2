"""What people type after `/solve`, and everything that only looks like it."""

import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.model import ModelSpec, SolveOptions, Strategy
from bot.core.trigger.commands import (
    ApproveCommand,
    BatchCommand,
    CancelCommand,
    Command,
    ExplainCommand,
    HelpCommand,
    MilestoneCommand,
    Misread,
    RejectCommand,
    RetryCommand,
    ReviseCommand,
    SolveCommand,
    StatusCommand,
    parse_commands,
    resolve_models,
)

SOLVE = SolveCommand(SolveOptions())


def solve(**options: object) -> SolveCommand:
    return SolveCommand(SolveOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("/solve", SOLVE),
        ("/solve   \t", SOLVE),
        ("/Solve", SOLVE),
        ("  /solve", SOLVE),
        ("/solve status", StatusCommand()),
        ("/solve #12 #14,#15 #12", BatchCommand((12, 14, 15), SolveOptions())),
        ("/solve attempts=2 #12, #14", BatchCommand((12, 14), SolveOptions(attempts=2))),
        ("/solve milestone", MilestoneCommand(SolveOptions())),
        ("/solve Milestone budget=3 draft", MilestoneCommand(SolveOptions(dollars=3.0, draft=True))),
        ("/solve approve", ApproveCommand(None)),
        ("/solve APPROVE b", ApproveCommand(2)),
        ("/solve approve 3", ApproveCommand(3)),
        ("/solve reject", RejectCommand("")),
        ("/solve reject: it's `too` large", RejectCommand("it's `too` large")),
        ("/solve Reject base=x", RejectCommand("base=x")),
        ("/SOLVE Status", StatusCommand()),
        ("/solve cancel", CancelCommand()),
        ("/solve explain", ExplainCommand()),
        ("/solve help", HelpCommand()),
        ("/solve retry", RetryCommand(None)),
        ("/solve retry attempts=2", RetryCommand(SolveOptions(attempts=2))),
        ("/solve model=sonnet", solve(models=("sonnet",))),
        ("/solve model=sonnet,gpt-5-mini attempts=4", solve(models=("sonnet", "gpt-5-mini"), attempts=4)),
        ('/solve model="a, b,a"', solve(models=("a", "b"))),
        ("/solve MODEL=Sonnet DRAFT", solve(models=("Sonnet",), draft=True)),
        ("/solve model=vendor/some_model:free", solve(models=("vendor/some_model:free",))),
        ("/solve temperature=0", solve(temperatures=(0.0,))),
        ("/solve temperature=0,.7,1.25", solve(temperatures=(0.0, 0.7, 1.25))),
        ("/solve strategy=test-first", solve(strategies=(Strategy.TEST_FIRST,))),
        (
            "/solve strategy=Baseline,minimal",
            solve(strategies=(Strategy.BASELINE, Strategy.MINIMAL)),
        ),
        ("/solve budget=2.50", solve(dollars=2.5)),
        ("/solve budget=$2.50", solve(dollars=2.5)),
        ("/solve time=30m", solve(minutes=30.0)),
        ("/solve time=1h", solve(minutes=60.0)),
        ("/solve time=90s", solve(minutes=1.5)),
        ("/solve time=1H30M", solve(minutes=90.0)),
        ("/solve base=release-1", solve(base="release-1")),
        ("/solve base=feature/Ünïcode", solve(base="feature/Ünïcode")),
        ('/solve repro="make crash"', solve(repro="make crash")),
        ("/solve repro='make crash' draft", solve(repro="make crash", draft=True)),
        ("/solve repro=`make crash`", solve(repro="make crash")),
        (r'/solve repro="echo \"a b\" \\ \n"', solve(repro=r'echo "a b" \ \n')),
        ('/solve repro="python -m app *a*_b_c.csv"', solve(repro="python -m app *a*_b_c.csv")),
        ("/solve repro=“make crash” draft", solve(repro="make crash", draft=True)),
        ("/solve repro=“python -c ‘print(1)’”", solve(repro="python -c 'print(1)'")),
        ('/solve repro="say “hi”"', solve(repro="say “hi”")),
        ("/solve repro=make", solve(repro="make")),
        ("/solve\u00a0attempts=2", solve(attempts=2)),
        ("\u00a0/solve\tattempts=2", solve(attempts=2)),
        ("\u200b/sol\u200dve\ufeff attempts=2", solve(attempts=2)),
        ("/solve <!-- please --> attempts=2", solve(attempts=2)),
    ],
)
def test_a_command(said: str, meant: Command) -> None:
    assert parse_commands(said) == [meant]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Could you look?\n/solve\nThanks", [SOLVE]),
        ("Could you look?\r\n/solve\r\nThanks", [SOLVE]),
        ("Could you look?\r/solve draft\rThanks", [solve(draft=True)]),
        ("/solve status\n/solve help", [StatusCommand(), HelpCommand()]),
        ("- one\n- two\n/solve", [SOLVE]),
        ("1. one\n   /solve", [SOLVE]),
        ("> what was said\n\n/solve", [SOLVE]),
        ("```\n/solve help\n```\n/solve", [SOLVE]),
        ("<!-- /solve help -->\n/solve", [SOLVE]),
        ("a <!--\n/solve help\n--> b\n/solve", [SOLVE]),
        ("<details>\n\n/solve\n\n</details>", [SOLVE]),
        ("/solve\n\n---\n\nsent from my phone", [SOLVE]),
        ("see `code` and [a link](x)\n/solve", [SOLVE]),
        ("an unclosed ` tick and [ bracket\n/solve", [SOLVE]),
        ("", []),
        ("please /solve this", []),
        ("/ solve", []),
        ("solve", []),
        ("> /solve", []),
        ("> a\n> /solve\n", []),
        ("```\n/solve\n```", []),
        ("~~~~ text\n/solve\n~~~\n/solve\n", []),
        ("- ```\n  /solve\n  ```", []),
        ("    /solve", []),
        ("\t/solve", []),
        ("text\n\n\t/solve", []),
        ("`/solve`", []),
        ("`code\n/solve\ncode`", []),
        ("``a ` b\n/solve\n``", []),
        ("<!--\n/solve\n-->", []),
        ("<!--\n/solve", []),
        ("<!--\n\n/solve\n\n-->", []),
        ("<pre>\n/solve\n</pre>", []),
        ("<div>\n/solve\n</div>", []),
        ("<a title='\n/solve\n'>", []),
        ("[a link\n/solve](address)", []),
        ("![a picture\n/solve](address)", []),
        ("[label]:\n/solve", []),
        ("# /solve", []),
        ("**/solve**", []),
        ("[/solve](x)", []),
        ("/solver", []),
        ("/solved it", []),
        ("/resolve", []),
        ("/solve/path is missing", []),
        ("/solve-me", []),
        ("/help", []),
        ("/assign @someone", []),
        ("- " * 30 + "\n/solve", [SOLVE]),
    ],
)
def test_where_a_command_stands(said: str, meant: list[Command]) -> None:
    assert parse_commands(said) == meant


@pytest.mark.parametrize(
    ("said", "what", "remedy"),
    [
        ("/slove", "`/slove` is not a command.", "Did you mean `/solve`?"),
        ("/solv status", "`/solv` is not a command.", "Did you mean `/solve`?"),
        ("/solve:", "`/solve:` is not a command.", "Did you mean `/solve`?"),
        ("/solve please", "`please` is neither an option nor a command.", "The commands are `/solve status`"),
        ("/solve statsu", "`statsu` is neither an option nor a command.", "Did you mean `status`?"),
        ("/solve #12 #0", "`#0` is not an issue.", "Name issues of this repository"),
        ("/solve #a", "`#a` is not an issue.", "Name issues of this repository"),
        ("/solve #12 please", "`please` is neither an option nor a command.", "The commands are"),
        ("/solve " + " ".join(f"#{n}" for n in range(1, 22)), "These are 21 issues.", "Name at most 20"),
        ("/solve milestone #12", "`#12` is neither an option nor a command.", "The options are"),
        ("/solve milestone v1", "`v1` is neither an option nor a command.", "The options are"),
        ("/solve mielstone", "`mielstone` is neither an option nor a command.", "Did you mean `milestone`?"),
        ("/solve approve it", "`/solve approve` takes the letter or the number", "Write `/solve approve B` or"),
        ("/solve approve A B", "`/solve approve` takes the letter or the number", "Write `/solve approve B` or"),
        ("/solve status now", "`/solve status` takes no options.", "Write just `/solve status`."),
        ("/solve draft retry", "`retry` is neither", "`/solve retry`"),
        ("/solve modle=sonnet", "`modle` is not an option.", "Did you mean `model`? The options are `model=`"),
        ("/solve --model=sonnet", "`--model` is not an option.", "Did you mean `model`?"),
        ("/solve model = sonnet", "`model` has no value.", "Write it without spaces: `model=...`."),
        ("/solve model=", "`model=` has an empty item.", "`model=a,b`"),
        ("/solve model=a, b", "`model=a,` has an empty item.", "without spaces"),
        ("/solve model=1,2,3,4,5,6,7,8,9", "`model=` names 9 values.", "Name at most 8."),
        ("/solve model=a model=b", "`model` is given twice.", "Say it once"),
        ("/solve draft draft", "`draft` is given twice.", "Say it once"),
        ("/solve draft=yes", "`draft` takes no value.", "Write just `draft`."),
        ("/solve attempts=0", "`0` is not a number of attempts.", "with 1 to 8"),
        ("/solve attempts=99", "`99` is not a number of attempts.", "with 1 to 8"),
        ("/solve attempts=two", "`two` is not a number of attempts.", "with 1 to 8"),
        ("/solve attempts=٣", "`٣` is not a number of attempts.", "with 1 to 8"),
        ("/solve attempts=" + "9" * 1000, "is not a number of attempts.", "with 1 to 8"),
        ("/solve temperature=hot", "`hot` is not a temperature.", "from 0 to 2"),
        ("/solve temperature=2.1", "`2.1` is not a temperature.", "from 0 to 2"),
        ("/solve temperature=nan", "`nan` is not a temperature.", "from 0 to 2"),
        ("/solve strategy=test-fist", "`test-fist` is not a strategy.", "Did you mean `test-first`? Use `baseline`, "),
        ("/solve budget=lots", "`lots` is not a budget.", "US dollars"),
        ("/solve budget=0", "`0` is not a budget.", "more than 0"),
        ("/solve budget=2,50", "`2,50` is not a budget.", "as in `budget=2.50`"),
        ("/solve budget=1e9", "`1e9` is not a budget.", "at most 1000"),
        ("/solve time=30", "`30` is not a time.", "with the unit"),
        ("/solve time=", "is not a time.", "with the unit"),
        ("/solve time=25h", "`25h` is not a time.", "to `24h`"),
        ("/solve time=5s", "`5s` is not a time.", "from `1m`"),
        ("/solve base=a..b", "`a..b` is not a branch name.", "Name a branch"),
        ("/solve base=-f", "`-f` is not a branch name.", "Name a branch"),
        ("/solve base=x.lock", "`x.lock` is not a branch name.", "Name a branch"),
        ('/solve repro="', "The quote after `repro`= is never closed.", "Close it on the same line"),
        ('/solve repro="a\\"', "The quote after `repro`= is never closed.", "Close it on the same line"),
        ('/solve repro=""', "`repro=` is empty.", "in quotes"),
        ('/solve repro="' + "x" * 1001 + '"', "1001 characters long", "at most 1000"),
        ("/solve " + "x" * 2001, "This command is too long.", "at most 2000"),
        ("> quoted\n/solve", "belongs to the quote above it", "Put an empty line before it."),
        ("/solve\n---\nname", "makes this `/solve` a heading", "Put an empty line after it."),
        ("<details>\nlog\n</details>\n/solve", "belongs to the HTML above it", "Put an empty line before it."),
        ("x\n" * 5000 + "/solve", "too long", "on its first line"),
        ("x" * 20_000 + "\n/solve", "too long", "on its first line"),
    ],
)
def test_a_mistake_is_named(said: str, what: str, remedy: str) -> None:
    (misread,) = parse_commands(said)
    assert isinstance(misread, Misread)
    assert what in misread.what
    assert remedy in misread.remedy


def test_the_line_of_a_mistake() -> None:
    found = parse_commands("hello\n\n/solve\n/solve attempts=9\n")
    assert found[0] == SOLVE
    assert isinstance(found[1], Misread)
    assert found[1].line == 4


def test_what_was_typed_cannot_mention_or_format_anything() -> None:
    (misread,) = parse_commands("/solve attempts=`@octocat`closes")
    assert "``" not in str(misread)
    (misread,) = parse_commands("/solve @octocat**x**`" + "y" * 300)
    assert isinstance(misread, Misread)
    assert misread.what.startswith("`@octocat**x** y")
    assert len(misread.what) < 100


@pytest.mark.parametrize(("commands", "answers"), [(5, 5), (6, 1), (700, 1)])
def test_at_most_five_commands(commands: int, answers: int) -> None:
    found = parse_commands("\n".join(["/solve status"] * commands))
    assert len(found) == answers
    if commands > 5:
        assert isinstance(found[0], Misread)
        assert str(commands) in found[0].what


@pytest.mark.parametrize(
    ("before", "after", "added"),
    [
        ("hello", "hello\n/solve", [SOLVE]),
        ("/solve", "/solve", []),
        ("/solve", "sorry for the typo\n\n/solve", []),
        ("/solve", "/solve attempts=2", [solve(attempts=2)]),
        ("/solve\n/solve status", "/solve status\n/solve help", [HelpCommand()]),
        ("/solve atempts=2", "/solve attempts=2", [solve(attempts=2)]),
        ("/solve atempts=2", "\n/solve atempts=2", []),
        ("> /solve", "/solve", [SOLVE]),
        ("", "", []),
    ],
)
def test_an_edit_runs_only_what_it_adds(before: str, after: str, added: list[Command]) -> None:
    assert parse_commands(after, previous=before) == added


FRAGMENTS = st.sampled_from(
    [
        *"[]()<>*_`#>-+=\"'\\!&;:~|/ \t\n\r“”\u00a0\u200b\x00\ud800é",
        "/solve",
        "\n/solve ",
        "repro=",
        'x="',
        "model=a,",
        "<!--",
        "-->",
        "<a href='",
        "</a>",
        "```\n",
        "    ",
        "> ",
        "- ",
        "1. ",
        "[a]: b",
        "\n\n",
        "![",
        "](",
        "<![CDATA[",
        "<?",
        "\n---\n",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(st.characters()), st.lists(FRAGMENTS, max_size=60).map("".join)), st.text())
@example("/solve\n>\t\n\t/solve", "")
@example("-\n\n  /solve\n [a]:", "")
def test_no_text_makes_it_raise(text: str, previous: str) -> None:
    for command in parse_commands(text, previous=previous):
        assert isinstance(command, Command | Misread)


@pytest.mark.parametrize(
    "filling",
    [
        "[",
        ">",
        "*",
        "`",
        "\t",
        "a\n",
        "-\n",
        "1. a\n",
        "- ",
        "<a b='",
        "](",
        "<!-- -->",
        "/solve\n",
        "/slove\n",
        "`/solve\n",
        "> a\nb\n",
        "[a]: b\n",
        '/solve x="',
        "<a\n",
        "a\n=\n",
        "`` `",
        "".join("  " * depth + "- a\n" for depth in range(60)),
        "> - " * 20 + "a\n",
    ],
)
def test_cost_does_not_explode_with_length(filling: str) -> None:
    """64 kB of anything costs little more than the 10 kB of it that are read as Markdown; no absolute times."""

    def cost(size: int) -> int:
        text = ("/solve\n" + filling * size)[:size]
        steps = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal steps
            steps += 1

        sys.setprofile(count)
        try:
            parse_commands(text)
        finally:
            sys.setprofile(None)
        return steps

    assert cost(65_536) < 2 * cost(10_240) + 100_000


def catalogue() -> list[ModelSpec]:
    return [
        ModelSpec("sonnet", "openrouter", "vendor/sonnet"),
        ModelSpec("GPT-5-mini", "openrouter", "vendor/gpt-5-mini"),
        ModelSpec("old", "openrouter", "vendor/old", is_active=False),
    ]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["sonnet"], ["sonnet"]),
        (["gpt-5-mini", "Sonnet"], ["GPT-5-mini", "sonnet"]),
        ([], []),
    ],
)
def test_models_are_found_by_the_name_people_type(names: list[str], found: list[str]) -> None:
    models = resolve_models(names, catalogue())
    assert not isinstance(models, Misread)
    assert [model.name for model in models] == found


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("sonet", "Did you mean `sonnet`? Use `sonnet` or `GPT-5-mini`."),
        ("old", "Use `sonnet` or `GPT-5-mini`."),
        ("x", "Use `sonnet` or `GPT-5-mini`."),
    ],
)
def test_an_unknown_model_is_answered_with_those_there_are(name: str, remedy: str) -> None:
    assert resolve_models(["sonnet", name], catalogue()) == Misread(f"`{name}` is not a model here.", remedy)


def test_a_server_without_models_says_what_its_operator_does() -> None:
    misread = resolve_models(["sonnet"], [])
    assert isinstance(misread, Misread)
    assert "solvebot models add" in misread.remedy


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("/solve revise use a constant", ["use a constant"]),
        ("/Solve  Revise: it's \"odd", ["it's \"odd"]),
        ("please\n\n/solve revise\nall of it", [""]),
        ("/solve revise a\n/solve revise b", ["a", "b"]),
        ("/solve revise " + "long " * 900, ["long " * 899 + "long"]),
        ("> /solve revise x", []),
    ],
)
def test_what_to_revise_is_free_text(text: str, meant: list[str]) -> None:
    assert parse_commands(text) == [ReviseCommand(each) for each in meant]


@pytest.mark.parametrize("text", ["/solve revised", "/solve revise=x", "/solve revise-all"])
def test_what_only_begins_like_it_is_an_option(text: str) -> None:
    [found] = parse_commands(text)
    assert isinstance(found, Misread)
