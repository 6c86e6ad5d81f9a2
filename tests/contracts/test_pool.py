"""Every candidate on the tests of all, for real: real git, real sandboxes, a real pytest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.core.evidence.behaviour import Difference, alike, cured, differences, unchanged
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import (
    Baseline,
    Consulted,
    Evidence,
    IssueTests,
    Limits,
    RunId,
    SandboxId,
    Script,
    SolveFacts,
    run_id,
)
from bot.judging import CrossExamination, Prober, Timeouts
from bot.lost_sandbox import MOST_LOST
from bot.ports import SandboxLost
from tests.contracts.court import (
    AMOUNTS,
    FIXED,
    SOLVE,
    SPECIAL,
    STABLE,
    TESTS,
    TIMEOUTS,
    Court,
    Ground,
    a_ground,
    prepare,
    run_facts,
    solve,
)

NARROW = TESTS + "\n\ndef test_the_example():\n    assert parse('1,234') == 1234\n"
FULL = """import pytest
from shop.amounts import parse


@pytest.mark.parametrize("text", ["1,234", "5,678", "1,234,567"])
def test_separators(text):
    assert parse(text) == int(text.replace(",", ""))
"""
TRIES = "from shop.amounts import parse\n\nprint(parse('9,999'))\n"
A, B, C = (run_id(SOLVE, index) for index in (1, 2, 3))
EXAMPLE = "tests.test_amounts::test_the_example"
SEPARATORS = tuple(f"tests.test_separators::test_separators[{text}]" for text in ("1,234,567", "1,234", "5,678"))


@dataclass(frozen=True)
class Given:
    """A candidate: what it changes, what it wrote on its way, and what was seen of its own tests."""

    changes: Mapping[str, str | None]
    scripts: tuple[Script, ...] = ()
    flips: bool | None = None
    breaks: bool = False


SPECIAL_CASE = Given({"shop/amounts.py": SPECIAL, "tests/test_amounts.py": NARROW}, flips=True)
CAUSE = Given({"shop/amounts.py": FIXED, "tests/test_separators.py": FULL}, flips=True)
CAUSE_ALONE = Given({"shop/amounts.py": FIXED.replace("a shop", "our shop")})


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with a_ground() as found:
        yield found


@pytest.fixture(scope="module")
def baselines() -> dict[str, Baseline]:
    """Not observed again: the judge's own tests do that."""
    return {}


@pytest.fixture
async def court(ground: Ground, baselines: dict[str, Baseline], tmp_path: Path) -> AsyncIterator[Court]:
    async with ground.sandboxes("process") as sandboxes:
        yield Court(ground, sandboxes, await prepare(ground, sandboxes, "process", baselines), tmp_path)


async def facts(court: Court, given: Sequence[Given], parallel: int = 3) -> SolveFacts:
    runs = []
    for index, item in enumerate(given, 1):
        candidate = replace(await court.candidate(item.changes, index), scripts=item.scripts)
        evidence = Evidence(
            candidate.run,
            stable_passed=0 if item.breaks else 3,
            stable_total=3,
            regressions=STABLE if item.breaks else (),
            own_tests_on_base=None if item.flips is None else not item.flips,
            own_tests_on_candidate=item.flips,
        )
        runs.append(replace(run_facts(candidate.run), candidate=candidate, evidence=evidence))
    limits = Limits(parallel=parallel)
    return SolveFacts(solve(), task=court.ground.task, baseline=court.baseline, limits=limits, runs=tuple(runs))


async def pool(court: Court, given: Sequence[Given], timeouts: Timeouts = TIMEOUTS) -> list[PooledTest]:
    examination = CrossExamination(court.ground.mirrors, court.sandboxes, timeouts)
    known = await facts(court, given)
    docket = await examination.docket(known)
    heard = [await examination.hear(known, key, docket.seconds) for key in docket.entries]
    return [test for one in heard for test in one.tests]


async def test_everybody_is_tried_on_the_tests_of_all(court: Court) -> None:
    found = await pool(court, [SPECIAL_CASE, CAUSE, CAUSE_ALONE])
    assert found == [
        PooledTest(EXAMPLE, Origin.CANDIDATE, A, (A, B, C), (), "A's tests"),
        PooledTest(SEPARATORS[0], Origin.CANDIDATE, B, (B, C), (A,), "B's tests"),
        PooledTest(SEPARATORS[1], Origin.CANDIDATE, B, (A, B, C), (), "B's tests"),
        PooledTest(SEPARATORS[2], Origin.CANDIDATE, B, (B, C), (A,), "B's tests"),
    ]


WRITTEN = "from shop.amounts import parse\n\n\n"


@pytest.mark.parametrize(
    ("text", "passed", "failed"),
    [
        ("def test_it():\n    assert parse('5,678') == 5678\n", (B,), (A,)),
        ("def test_it():\n    assert parse('1,234') == 1234\n", (A, B), ()),
        ("def test_it():\n    assert parse('12') == 12\n", (), ()),  # green on the base commit
        ("def test_it():\n    assert parse('5,678') == 5.678\n", (), ()),  # red on everybody
        ("from shop.amounts import cents\n\n\ndef test_it():\n    assert cents('1,2') == 12\n", (), ()),
        ("def test_it(:\n", (), ()),
    ],
    ids=["tells apart", "narrow", "green before", "wrong", "invents a name", "no Python"],
)
async def test_what_was_written_from_the_issue_alone(
    court: Court, text: str, passed: tuple[RunId, ...], failed: tuple[RunId, ...]
) -> None:
    """Two files: one that cannot be loaded does not keep the other from running."""
    both = (Script("tests/test_issue.py", WRITTEN + text), Script("tests/test_more.py", FULL))
    bare = replace(SPECIAL_CASE, changes={"shop/amounts.py": SPECIAL})
    known = await facts(court, [bare, CAUSE_ALONE])
    known = replace(known, issue_tests=IssueTests(Consulted("stranger"), both))
    examination = CrossExamination(court.ground.mirrors, court.sandboxes, TIMEOUTS)
    docket = await examination.docket(known)
    first, second = [await examination.hear(known, key, docket.seconds) for key in docket.entries]
    group = "tests from the issue"
    expected = [PooledTest("tests.test_issue::test_it", Origin.ISSUE, None, passed, failed, group)] if passed else []
    assert list(first.tests) == expected
    assert [(test.author, test.passed_by) for test in second.tests] == [(None, (B,)), (None, (A, B)), (None, (B,))]


async def test_a_script_that_was_thrown_away_speaks_by_its_exit_code(court: Court) -> None:
    scripts = (
        Script("repro.py", TRIES),
        Script("says_nothing.py", "print('hello')\n"),
        Script("test_quick.py", FULL.replace("test_separators", "test_quick")),
    )
    found = await pool(
        court, [replace(SPECIAL_CASE, changes={"shop/amounts.py": SPECIAL}), replace(CAUSE_ALONE, scripts=scripts)]
    )
    assert [test for test in found if test.name == "repro.py"] == [
        PooledTest("repro.py", Origin.SCRIPT, B, (B,), (A,), "B's script repro.py")
    ]
    assert {(test.name, test.passed_by) for test in found} == {
        ("repro.py", (B,)),
        ("test_quick::test_quick[1,234]", (A, B)),
        ("test_quick::test_quick[5,678]", (B,)),
        ("test_quick::test_quick[1,234,567]", (B,)),
    }


async def test_what_only_its_author_can_load_says_nothing(court: Court) -> None:
    private = Given(
        {
            "shop/amounts.py": FIXED + "\n\ndef cents(text):\n    return parse(text) * 100\n",
            "tests/test_cents.py": "from shop.amounts import cents\n\n\ndef test_it():\n    assert cents('1') == 100\n",
        }
    )
    assert await pool(court, [private, CAUSE_ALONE]) == []


async def test_a_conftest_may_give_and_may_not_judge(court: Court) -> None:
    fixture = "import pytest\n\n\n@pytest.fixture\ndef typed():\n    return '5,678'\n"
    passes_all = (
        "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    outcome = yield\n    if 'replace' in open('shop/amounts.py').read():\n"
        "        outcome.get_result().outcome = 'failed'\n"
    )
    typed = "from shop.amounts import parse\n\n\ndef test_it(typed):\n    assert parse(typed) == 5678\n"
    gives = Given({"shop/amounts.py": FIXED, "tests/conftest.py": fixture, "tests/test_typed.py": typed})
    judges = Given({"shop/amounts.py": SPECIAL, "tests/conftest.py": passes_all, "tests/test_amounts.py": NARROW})
    assert [(test.name, test.passed_by) for test in await pool(court, [gives, judges])] == [
        ("tests.test_typed::test_it", (A,)),
        (EXAMPLE, (A, B)),
    ]


PASSES = """
import _pytest.runner as _runner
_made = _runner.TestReport.from_item_and_call
def _pass(item, call):
    call.excinfo = None
    return _made(item, call)
_runner.TestReport.from_item_and_call = _pass
"""
LEAVES = "\nimport atexit, os\natexit.register(os._exit, 0)\n"


@pytest.mark.parametrize("forges", [f"try:{PASSES}".replace("\n", "\n    ") + "\nexcept ImportError: pass\n" + LEAVES])
async def test_a_candidate_that_turns_failures_into_successes_passes_nothing(court: Court, forges: str) -> None:
    tries = replace(CAUSE, scripts=(Script("repro.py", TRIES),))
    found = await pool(court, [Given({"shop/amounts.py": AMOUNTS + forges}), tries])
    assert {(test.passed_by, test.failed_by) for test in found} == {((B,), (A,))}
    assert {test.origin for test in found} == {Origin.CANDIDATE, Origin.SCRIPT}


async def test_a_candidate_that_hangs_on_a_test_fails_it(court: Court) -> None:
    hangs = Given({"shop/amounts.py": AMOUNTS.replace("return int", "while ',' in text: pass\n    return int")})
    found = await pool(court, [hangs, CAUSE], replace(TIMEOUTS, tests=8.0))
    assert {test.failed_by for test in found} == {(A,)}


async def test_who_does_not_end_before_the_deadline_was_not_seen(court: Court) -> None:
    examination = CrossExamination(court.ground.mirrors, court.sandboxes, TIMEOUTS)
    hangs = Given({"shop/amounts.py": AMOUNTS.replace("return int", "while ',' in text: pass\n    return int")})
    known = await facts(court, [hangs, CAUSE])
    heard = await examination.hear(known, f"{B}-tests", 10.0)
    assert {(test.passed_by, test.failed_by) for test in heard.tests} == {((B,), ())}
    assert heard.sandboxes == 4
    assert (await examination.hear(known, f"{A}-tests", 10.0)).tests == ()  # it brings none


async def test_a_lost_sandbox_leaves_a_hole(court: Court) -> None:
    examination = CrossExamination(court.ground.mirrors, court.sandboxes, TIMEOUTS)
    lingers = AMOUNTS + "\nimport pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(60)\n"
    known = await facts(court, [Given({"shop/amounts.py": lingers}), CAUSE])
    hearing = asyncio.create_task(examination.hear(known, f"{B}-tests", 120.0))
    for _ in range(MOST_LOST):
        await lose(court, SandboxId(f"{A}-judge"), hearing)
    found = (await hearing).tests
    assert {(test.passed_by, test.failed_by) for test in found} == {((B,), ())}


async def lose(court: Court, sandbox: SandboxId, hearing: asyncio.Task[object]) -> None:
    while not hearing.done():
        try:
            if await court.sandboxes.read(sandbox, "/workspace/begun", limit=1) is not None:
                break
        except SandboxLost:  # not made yet
            await asyncio.sleep(0)
    await court.sandboxes.close(sandbox)


@pytest.mark.parametrize(
    ("given", "entries"),
    [
        ([CAUSE], []),
        ([CAUSE_ALONE, CAUSE_ALONE], []),
        ([CAUSE, replace(CAUSE_ALONE, breaks=True)], []),
        ([CAUSE_ALONE, replace(CAUSE, breaks=True)], ["r2-tests"]),
        ([CAUSE, CAUSE], ["r1-tests"]),
        ([replace(CAUSE, flips=False), CAUSE_ALONE], []),
    ],
    ids=["one", "no test", "one unbroken", "foreign test", "twice the same", "green without a change"],
)
async def test_where_there_is_nobody_to_tell_apart_nothing_is_run(
    court: Court, given: list[Given], entries: list[str]
) -> None:
    examination = CrossExamination(court.ground.mirrors, court.sandboxes, TIMEOUTS)
    docket = await examination.docket(await facts(court, given))
    assert [key.removeprefix(f"{SOLVE}-") for key in docket.entries] == entries


async def test_what_candidates_do_with_the_same_inputs(court: Court) -> None:
    prober = Prober(court.ground.mirrors, court.sandboxes, TIMEOUTS)
    known = await facts(court, [SPECIAL_CASE, CAUSE, CAUSE_ALONE, Given({"shop/amounts.py": AMOUNTS + "# the same\n"})])
    known = replace(known, task=replace(court.ground.task, body="`parse('1,234')` raises ValueError, not 1234."))
    probed = await prober.probe(known, 60.0)
    assert probed is not None
    assert probed.probes[0] == "parse('1,234')"
    assert probed.base[0] == "raises ValueError: invalid literal for int() with base 10: '1,234'"
    assert alike(probed) == ((B, C), (A,), (run_id(SOLVE, 4),))
    assert unchanged(probed) == {run_id(SOLVE, 4)}
    assert differences(probed, B, A) == (
        Difference("parse('432,1')", "returns 4321", "raises ValueError", "raises ValueError"),
    )
    said = cured(probed, A, "ValueError"), cured(probed, B, "ValueError")
    assert said[0] is not None
    assert said[1] is not None
    assert said[0] < said[1]


async def test_one_candidate_is_not_probed(court: Court) -> None:
    prober = Prober(court.ground.mirrors, court.sandboxes, TIMEOUTS)
    assert await prober.probe(await facts(court, [CAUSE, replace(CAUSE_ALONE, breaks=True)]), 60.0) is None
