"""`.github/solvebot.yml`: what it may say, and how mistakes in it are answered."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.model import Draft, Permission, Publish, PullRequestConfig, RepoConfig, Strategy, Update
from bot.core.trigger.config import ConfigProblem, parse_config

EVERYTHING = """
labels: [solve-me, help wanted]
who: maintain
setup: ["pip install -e .[test]", make]
test: "pytest -q"
repro: "python -m app bad.csv"
models: [sonnet, gpt-5-mini]
attempts: 3
strategies: [baseline, test-first]
limits: {parallel: 2, minutes: 30, dollars: 2.50, steps: 100}
protect: ["migrations/**", /schema.sql]
trust: 0.5
pull_request: {draft: true, labels: [bot], reviewers: [requester, acme/team], branch: "fix/{issue}"}
"""


def test_everything_can_be_said() -> None:
    assert parse_config(EVERYTHING) == RepoConfig(
        labels=("solve-me", "help wanted"),
        who=Permission.MAINTAIN,
        setup=("pip install -e .[test]", "make"),
        test="pytest -q",
        repro="python -m app bad.csv",
        models=("sonnet", "gpt-5-mini"),
        attempts=3,
        strategies=(Strategy.BASELINE, Strategy.TEST_FIRST),
        parallel=2,
        minutes=30.0,
        dollars=2.5,
        steps=100,
        protect=("migrations/**", "/schema.sql"),
        trust=0.5,
        pull_request=PullRequestConfig(Draft.ALWAYS, ("bot",), ("requester", "acme/team"), "fix/{issue}"),
    )


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("", RepoConfig()),
        ("# nothing yet\n", RepoConfig()),
        ("---\n", RepoConfig()),
        ("{}", RepoConfig()),
        ("test:\nattempts: null\nlimits:\n", RepoConfig()),
        ("\ufefftest: make check\r\n", RepoConfig(test="make check")),
        ("setup: make deps", RepoConfig(setup=("make deps",))),
        ("setup: []", RepoConfig(setup=())),
        ("setup: |\n  make a\n  make b\n", RepoConfig(setup=("make a\nmake b",))),
        ("labels: []", RepoConfig(labels=())),
        ('labels: ["\\ud83d\\ude80 solve"]', RepoConfig(labels=("\N{ROCKET} solve",))),  # as JSON writes it
        ('labels: ["\\U0001f680"]', RepoConfig(labels=("\N{ROCKET}",))),
        ('test: "echo \\ud83d\\ude80"', RepoConfig(test="echo \N{ROCKET}")),
        ('protect: ["\\ud83d\\ude80/"]', RepoConfig(protect=("\N{ROCKET}/",))),
        ("models: [sonnet, sonnet]", RepoConfig(models=("sonnet",))),
        ("limits: {minutes: 5}", RepoConfig(minutes=5.0)),
        ("limits: {day: 10}", RepoConfig(day=10)),
        ("limits: {command: 300}", RepoConfig(command=300.0)),
        ("trust: 0", RepoConfig(trust=0.0)),
        ("trust: 1.0", RepoConfig(trust=1.0)),
        ("rounds: 1", RepoConfig(rounds=1)),
        ("rounds: 2", RepoConfig(rounds=2)),
        ("pull_request: {draft: false}", RepoConfig(pull_request=PullRequestConfig(draft=Draft.NEVER))),
        ("pull_request: {draft: auto}", RepoConfig(pull_request=PullRequestConfig(draft=Draft.AUTO))),
        ("pull_request: {signoff: true}", RepoConfig(pull_request=PullRequestConfig(signoff=True))),
        ("pull_request: {signoff: false}", RepoConfig()),
        ("publish: after-approval", RepoConfig(publish=Publish.AFTER_APPROVAL)),
        ("publish: At-Once", RepoConfig()),
        ("update: weekly", RepoConfig(update=Update.WEEKLY)),
        ("update: Never", RepoConfig()),
        ("who: READ", RepoConfig(who=Permission.READ)),
        ('"test": \'pytest -k "a: b"\'', RepoConfig(test='pytest -k "a: b"')),
    ],
)
def test_what_is_not_said_is_the_default(text: str, config: RepoConfig) -> None:
    assert parse_config(text) == config


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("lables: [a]", 1, 1, "`lables` is not a key of this file. Did you mean `labels`?"),
        ("test: a\n\ntest: b", 3, 1, "`test` is there twice."),
        ("- a", 1, 1, "This file must be lines of `key: value`."),
        ("just text", 1, 1, "This file must be lines of `key: value`."),
        ("? [a]\n: b", 1, 3, "This is not a key"),
        ("limits: 3", 1, 9, "`limits` must be lines of `key: value`. The keys are `parallel`,"),
        ("limits:\n  minuts: 3", 2, 3, "`minuts` is not a key of `limits`. Did you mean `minutes`?"),
        ("limits: {steps: 0}", 1, 17, "`steps` must be a whole number from 1 to 1000."),
        ("limits: {dollars: -1}", 1, 19, "`dollars` must be a number, more than 0"),
        ("limits: {dollars: .inf}", 1, 19, "`dollars` must be a number"),
        ("limits: {minutes: [1]}", 1, 19, "`minutes` must be a number"),
        ("limits: {parallel: 9}", 1, 20, "from 1 to 8"),
        ("attempts: " + "9" * 5000, 1, 11, "from 1 to 8"),
        ("attempts: 2.5", 1, 11, "from 1 to 8"),
        ("test: 5", 1, 7, "`test` must be text. Put it in quotes."),
        ("test: yes", 1, 7, "Put it in quotes."),
        ("test: [make]", 1, 7, "`test` must be text."),
        ("test: ''", 1, 7, "`test` is empty."),
        ("test: !!python/name:os.system x", 1, 7, "`test` must be text."),
        ("test: " + "x" * 1001, 1, 7, "longer than 1000 characters"),
        ("setup: {a: b}", 1, 8, "`setup` must be a list"),
        ("models: [" + "a, " * 101 + "]", 1, 9, "has 101 items"),
        ("labels: [a, [b]]", 1, 13, "`labels` must be text."),
        ("labels: ['a,b']", 1, 10, "`a,b` is not a label."),
        ("who: owner", 1, 6, "`who` cannot be `owner`."),
        ("update: daily", 1, 9, "`update` cannot be `daily`. Allowed: `never`, `weekly`."),
        ("publish: later", 1, 10, "`publish` cannot be `later`. Allowed: `at-once`, `after-approval`."),
        ("publish: [at-once]", 1, 10, "`publish` must be a single word."),
        ("who: none", 1, 6, "`who` cannot be `none`."),
        ("who: [write]", 1, 6, "`who` must be a single word. Allowed: `read`, `triage`, `write`, `maintain`, `admin`."),
        ("who: ''", 1, 6, "`who` must be a single word."),
        ("strategies: [[baseline]]", 1, 14, "`strategies` must be a single word."),
        ("pull_request: {draft: {a: b}}", 1, 23, "`draft` must be a single word."),
        ("strategies: [test-frist]", 1, 14, "Did you mean `test-first`?"),
        ("trust: 1.5", 1, 8, "must be a number from 0 to 1, for example 0.35"),
        ("rounds: 3", 1, 9, "must be a whole number from 1 to 2"),
        ("rounds: 0", 1, 9, "must be a whole number from 1 to 2"),
        ("trust: 35%", 1, 8, "must be a number from 0 to 1"),
        ("trust: [0.5]", 1, 8, "must be a number from 0 to 1"),
        ("protect: ['!a']", 1, 11, "is not a path pattern"),
        ("protect: ['[']", 1, 11, "`[` matches no path: a bracket in it is never closed"),
        ("protect: ['src/[a-z/**']", 1, 11, "matches no path"),
        ("protect: ['a\\']", 1, 11, "matches no path"),
        ("protect: ['# a']", 1, 11, "is not a path pattern"),
        ('protect: ["a\\nb"]', 1, 11, "is not a path pattern"),
        ("pull_request: {draft: maybe}", 1, 23, "Allowed: `auto`, `true`, `false`."),
        ("pull_request: {branch: fix}", 1, 24, "must contain `{issue}`"),
        ("pull_request: {branch: '{issue}-{title}'}", 1, 24, "nothing else in braces"),
        ("pull_request: {branch: '{issue}{'}", 1, 24, "nothing else in braces"),
        ("pull_request: {branch: 'a b/{issue}'}", 1, 24, "does not make a branch name"),
        ("pull_request: {reviewers: ['@octocat']}", 1, 28, "`@octocat` is nobody."),
        ("a:\n\tb: 1", 2, 1, "There is a tab here."),
        ("test: a: b", 1, 8, "This `:` is not expected here."),
        ("test: 'a", 1, 7, "never closed"),
        ("test: @a", 1, 7, "Put it in quotes."),
        ("a: [1,", 1, 7, "This is not valid YAML."),
        ("test: a\n---\ntest: b", 2, 1, "A second document starts here."),
        ("a: &x [1]", 1, 4, "Anchors and aliases"),
        ("a: *x", 1, 4, "Anchors and aliases"),
        ("test: a\nb: \x01", 2, 4, "control character"),
        ("[" * 5000, 1, 9, "nested too deeply"),
        ("- " * 5000, 1, 17, "nested too deeply"),
        ("#" * 65_537, 1, 1, "larger than 64 kB"),
        ("protect: [" + "a," * 32_000 + "a]", 1, 2005, "more than 1000 keys and values"),
    ],
)
def test_a_mistake_has_a_place_and_a_reason(text: str, line: int, column: int, reason: str) -> None:
    problem = parse_config(text)
    assert isinstance(problem, ConfigProblem)
    (mistake,) = problem.mistakes
    assert (mistake.line, mistake.column) == (line, column)
    assert reason in mistake.reason


HALF = "holds half a character, or none. Write the character itself, not an escape."
NO_SUCH = "There is a character or a number here that does not exist. Remove it."


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('\nprotect: ["\\ud800"]', 2, f"`protect` {HALF}"),
        ('\nlabels: ["a", "\\udc00\\ud800"]', 2, f"`labels` {HALF}"),
        ('setup: ["a\\ud83dx"]', 1, f"`setup` {HALF}"),
        ('repro: "a\\0b"', 1, f"`repro` {HALF}"),
        ('pull_request: {reviewers: ["\\ud800"]}', 1, f"`reviewers` {HALF}"),
        ('models: ["\\udfff"]', 1, f"`models` {HALF}"),
        ('\n\ntest: "\\U00110000"', 3, NO_SUCH),
        ('a: "\\u0041"\ntest: "\\Uffffffff"', 2, NO_SUCH),
        ("%YAML 1." + "9" * 5_000 + "\n---\ntest: a", 1, NO_SUCH),
        ('"\\ud800": 1', 1, "`\ufffd` is not a key of this file."),
        ('who: "\\ud800"', 1, "`who` cannot be `\ufffd`."),
        ("attempts: " + "9" * 5_000, 1, "`attempts` must be a whole number from 1 to 8."),
    ],
)
def test_what_is_no_text_and_no_number_is_a_mistake_like_any_other(text: str, line: int, reason: str) -> None:
    problem = parse_config(text)
    assert isinstance(problem, ConfigProblem)
    [mistake] = problem.mistakes
    assert mistake.line == line
    assert mistake.reason.startswith(reason)
    mistake.reason.encode()


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    problem = parse_config("attempts: 9\nlables: x\nlimits:\n  steps: many\n  hours: 1\npull_request: {branch: x}\n")
    assert isinstance(problem, ConfigProblem)
    assert [mistake.line for mistake in problem.mistakes] == [1, 2, 4, 5, 6]


def test_an_alias_bomb_is_refused() -> None:
    bomb = "a: &a [x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    problem = parse_config(bomb)
    assert isinstance(problem, ConfigProblem)
    assert "Anchors" in problem.mistakes[0].reason


PIECES = st.sampled_from(
    [
        "labels",
        "limits",
        "setup",
        "test",
        "branch",
        "pull_request",
        "[",
        "]",
        "{",
        "}",
        "&a",
        "*a",
        "'",
        "|",
        ">",
        "#",
        "!x",
        "---",
        "?",
        "<<",
        "1",
        "~",
        "{issue}",
        ",",
        "%YAML",
        ": ",
        "\n",
        "\n  ",
        "- ",
        '"',
        "\t",
        "---\n",
        "\x00",
        "\ud800",
        '"\\ud800"',
        '"\\U00110000"',
        "%YAML 1.1\n",
        " ",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(st.characters()), st.lists(PIECES, max_size=40).map("".join)))
def test_no_text_makes_it_raise(text: str) -> None:
    assert isinstance(parse_config(text), RepoConfig | ConfigProblem)
