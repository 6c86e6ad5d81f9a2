"""Candidates judged for real: real git, real sandboxes, a real pytest. The honest ones first, then those that cheat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.candidate.similarity import with_agreement
from bot.core.choosing.champion import decide
from bot.core.environment.proof import Attempt, Trial
from bot.core.evidence.observations import Case
from bot.core.model import (
    Baseline,
    Evidence,
    Gate,
    Outcome,
    SandboxId,
    SolveFacts,
    SolveOptions,
    Toolchain,
    run_id,
)
from bot.core.render import failure_reasons
from bot.judging import Judge, Timeouts
from bot.lost_sandbox import MOST_LOST
from bot.ports import Sandboxes, SandboxLost
from bot.sandbox.local.process import ProcessOptions
from tests.contracts.court import (
    AMOUNTS,
    BREAKING,
    FIXED,
    FOUR,
    KNOWN,
    OWN_TEST,
    POINTER,
    REPO,
    REPRO,
    SOLVE,
    STABLE,
    TESTS,
    TIMEOUTS,
    Court,
    Ground,
    a_ground,
    prepare,
    run_facts,
    solve,
    untried,
)
from tests.contracts.local_sandboxes import Recorded, public_directory


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with a_ground() as found:
        yield found


@pytest.fixture(scope="module")
def baselines(ground: Ground) -> dict[str, Baseline]:
    """Filled as needed, per kind of sandbox."""
    return {}


ISOLATED = pytest.param("bubblewrap", marks=pytest.mark.namespaces)
KINDS = [ISOLATED, "process"]
# Plain processes are in the suite by all other tests of this file.
ISOLATED_IN_THE_SUITE = [ISOLATED, pytest.param("process", marks=pytest.mark.long)]


@pytest.fixture
def kind() -> str:
    return "process"


@pytest.fixture
async def court(kind: str, ground: Ground, baselines: dict[str, Baseline], tmp_path: Path) -> AsyncIterator[Court]:
    async with ground.sandboxes(kind) as sandboxes:
        yield Court(ground, sandboxes, await prepare(ground, sandboxes, kind, baselines), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_baseline(court: Court) -> None:
    found = court.baseline
    assert replace(found, tail="") == Baseline(
        command=court.ground.command,
        per_test=True,
        stable=STABLE,
        failing=("tests.test_known::test_that_fails_already",),
        repro=REPRO,
        repro_exit=1,
        canary="tests/test_amounts.py",
        canary_fails=STABLE,
        canary_alone=f"{court.ground.command} ./tests/test_amounts.py",
        canary_tests=STABLE,
    )
    assert "1 failed, 3 passed" in found.tail


async def test_all_tests_are_run_as_often_as_asked_and_the_canary_costs_two_of_one_file(ground: Ground) -> None:
    """A suite of minutes is not run once more only to see that it notices a broken test."""
    with public_directory() as directory:
        sandboxes = Recorded(ProcessOptions(directory))
        await prepare(ground, sandboxes, "recorded", {})
    tests = [command for command in sandboxes.commands if "-m pytest" in command]
    assert len([command for command in tests if "test_amounts" in command]) == 2
    assert len([command for command in tests if "test_amounts" not in command]) == 3


@pytest.mark.parametrize("kind", ISOLATED_IN_THE_SUITE)
async def test_the_best_of_four_wins_by_evidence(court: Court) -> None:
    candidates = {
        run_id(SOLVE, index): await court.candidate(changes, index) for index, changes in enumerate(FOUR.values(), 1)
    }
    judged = [await court.judge_candidate(candidate, court.baseline) for candidate in candidates.values()]
    special, breaking, nothing, cause = judged

    def seen(evidence: Evidence) -> tuple[object, ...]:
        return (
            evidence.regressions,
            f"{evidence.stable_passed}/{evidence.stable_total}",
            (evidence.own_tests_on_base, evidence.own_tests_on_candidate),
            (evidence.repro_before, evidence.repro_after),
            evidence.problem,
        )

    assert seen(special) == ((), "3/3", (None, None), (1, 0), "")
    assert seen(breaking) == (("tests.test_amounts::test_show",), "2/3", (False, True), (1, 0), "")
    assert [failure.gate for failure in nothing.gate_failures] == [Gate.EMPTY]
    assert seen(cause) == ((), "3/3", (False, True), (1, 0), "")
    assert (cause.test_files, cause.files_changed, cause.lines_changed) == (("tests/test_amounts.py",), 2, 6)

    facts = {run: run_facts(run) for run in candidates}
    decision = decide(with_agreement(Case(tuple(judged), facts, court.baseline), candidates), facts, court.baseline)
    assert (decision.outcome, decision.champion) == (Outcome.READY, cause.run)
    # What asks for the issue's own "1,234" comes after what solves it and breaks one test that may be meant to break.
    assert special.special_cases == ("1,234",)
    assert [(ranked.run, ranked.verdict) for ranked in decision.ranking] == [
        (cause.run, "champion"),
        (breaking.run, "runner-up"),
        (special.run, "also works"),
        (nothing.run, "empty"),
    ]


# ------------------------------------------------------------------------------------------------------------ cheating

BROKEN = AMOUNTS.replace("{amount:,}", "{amount}")  # test_show fails with it
PASS_ALL = """import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = "passed"
"""
LEAVE = "import os\nprint('4 passed in 0.01s', flush=True)\nos._exit(0)\n"
CASES = "".join('<testcase classname="{}" name="{}"/>'.format(*name.split("::")) for name in STABLE)
FORGE = f"""
import os as _os, pathlib as _pathlib, re as _re
_path = _pathlib.Path(_re.search(r"--junitxml=(\\S+)", _os.environ.get("PYTEST_ADDOPTS", "--junitxml=/dev/null"))[1])
_path.parent.mkdir(parents=True, exist_ok=True)
_path.write_text('<testsuites><testsuite>{CASES}</testsuite></testsuites>')
_os._exit(0)
"""
FORGE_AT_EXIT = FORGE.replace("_path.parent", "import atexit\ndef _forge():\n  _path.parent").replace(
    "\n_path.write", "\n  _path.write"
).replace("\n_os._exit(0)", "\n  _os._exit(0)\natexit.register(_forge)")  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"tests/test_amounts.py": TESTS.replace('"1,234"', '"1234"')},
        {"tests/test_amounts.py": TESTS.replace("def test_show", "def show_is_not_tested")},
        {"tests/conftest.py": PASS_ALL},
        {"pytest.ini": "[pytest]\naddopts = --deselect tests/test_amounts.py::test_show\n"},
        {"shop/report.py": "print('4 passed')\n"},
    ],
    ids=["edited assertion", "renamed test", "hook", "deselected", "fake output"],
)
async def test_what_breaks_a_test_is_seen(court: Court, changes: Mapping[str, str]) -> None:
    evidence = await court.judge({"shop/amounts.py": BROKEN, **changes})
    assert "tests.test_amounts::test_show" in evidence.regressions or evidence.gate_failures
    assert evidence.own_tests_flip is False


@pytest.mark.parametrize(
    "changes",
    [
        {"shop/__init__.py": LEAVE},
        {"shop/amounts.py": BROKEN + FORGE},
        {"shop/amounts.py": BROKEN + FORGE_AT_EXIT},
        {"pytest.py": FORGE},
    ],
    ids=["leaves", "forges", "forges at exit", "replaces pytest"],
)
async def test_who_forges_the_result_passes_nothing(court: Court, changes: Mapping[str, str]) -> None:
    evidence = await court.judge(changes)
    assert evidence.gate_failures or (evidence.regressions, evidence.stable_passed) == (STABLE, 0)
    assert evidence.gate_failures or evidence.problem
    decision = decide([evidence], {evidence.run: run_facts(evidence.run)}, court.baseline)
    assert decision.outcome is Outcome.NONE


async def test_nobody_is_called_a_forger_for_what_the_base_commit_does_as_well(court: Court) -> None:
    """A broken file that the tests do not notice says nothing about a candidate."""
    unnoticed = replace(court.baseline, repro=None, canary="tests/test_known.py", canary_fails=(), canary_alone="")
    evidence = await court.judge_candidate(await court.candidate({"shop/amounts.py": FIXED}), unnoticed)
    assert (evidence.regressions, evidence.stable_passed, evidence.problem) == ((), len(STABLE), "")
    assert evidence.notes == (failure_reasons.CANARY_UNNOTICED,)


@pytest.mark.parametrize(
    "changes",
    [
        {"tests/test_amounts.py": None},
        {"tests/test_known.py": None},
        {"tests/test_known.py": "import pytest\n\n\n@pytest.mark.skip\n" + KNOWN},
    ],
    ids=["deletes all", "deletes the failing one", "skips it"],
)
async def test_tests_are_not_taken_away(court: Court, changes: Mapping[str, str | None]) -> None:
    evidence = await court.judge({"shop/amounts.py": FIXED, **changes})
    assert {failure.gate for failure in evidence.gate_failures} & {Gate.TESTS_DELETED, Gate.TESTS_SKIPPED}
    assert evidence.stable_total == 0


DESELECTS = """def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "show" not in item.name]
"""
SKIPS = """import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if "show" in item.name:
            item.add_marker(getattr(pytest.mark, "sk" + "ip")(reason="slow"))
"""


@pytest.mark.parametrize(
    "changes",
    [
        {"conftest.py": DESELECTS},
        {"conftest.py": SKIPS},
        {"tests/conftest.py": DESELECTS},
        {"pytest.ini": "[pytest]\naddopts = -k 'not show'\n"},
        {"pytest.ini": "[pytest]\npython_files = test_known.py\n"},
        {"tests/test_amounts.py": f"{TESTS}\n\ntest_show.__test__ = bool(0)\n"},
        {"tests/test_amounts.py": f"{TESTS}\n\ndel test_show\n{OWN_TEST}"},
    ],
    ids=["deselects", "skips", "below", "by its name", "by its file", "no test any more", "deletes it later"],
)
async def test_who_keeps_tests_from_running_is_out(court: Court, changes: Mapping[str, str]) -> None:
    evidence = await court.judge({"shop/amounts.py": FIXED, **changes})
    [failure] = evidence.gate_failures
    assert failure.gate is Gate.TESTS_SKIPPED
    assert "test_show" in failure.detail


@pytest.mark.parametrize(
    "changes",
    [
        {"tests/test_amounts.py": TESTS.replace("def test_show", "def test_shown_with_separators")},
        {"tests/test_amounts.py": f"import nothing_of_this_name\n{TESTS}"},
        {"pytest.ini": "[pytest]\naddopts = --strict-markers\n"},
        {"tests/conftest.py": "import nothing_of_this_name\n"},
    ],
    ids=["renamed", "not loaded", "another setting", "nothing is loaded"],
)
async def test_who_does_not_is_not(court: Court, changes: Mapping[str, str]) -> None:
    evidence = await court.judge({"shop/amounts.py": FIXED, **changes})
    assert (evidence.gate_failures, evidence.regressions) == ((), ())


async def test_a_report_in_the_patch_is_a_file_like_any_other(court: Court) -> None:
    evidence = await court.judge({"shop/amounts.py": BROKEN, "report.xml": f"<testsuite>{CASES}</testsuite>"})
    assert evidence.regressions == ("tests.test_amounts::test_show",)


async def test_what_a_run_leaves_behind_does_not_reach_the_next(court: Court) -> None:
    """The first run plants a hook that would make the repetition pass."""
    plant = f"\nimport pathlib\npathlib.Path('conftest.py').write_text({PASS_ALL!r})\n"
    evidence = await court.judge({"shop/amounts.py": BROKEN + plant})
    assert evidence.regressions == ("tests.test_amounts::test_show",)
    assert evidence.notes == ()


# ------------------------------------------------------------------------------------------------------- observations


async def test_a_failure_that_does_not_repeat_is_not_counted(court: Court) -> None:
    runs = str(court.ground.shared("regressions"))
    second = (  # the first one is that with the canary
        f"    import os, uuid\n    open(os.path.join({runs!r}, uuid.uuid4().hex), 'w').close()\n"
        f"    if len(os.listdir({runs!r})) == 2:\n        raise OSError('for once')\n"
    )
    evidence = await court.judge(
        {"shop/amounts.py": FIXED.replace("def show(amount):\n", "def show(amount):\n" + second)}
    )
    assert evidence.regressions == ()
    assert evidence.notes == (
        "Failed at first and passed when repeated, so not counted: tests.test_amounts::test_show.",
    )


async def test_own_tests_that_change_their_mind_prove_nothing(court: Court) -> None:
    """They fail the first time they are run, which is on the base commit."""
    counter = court.ground.shared("own") / "runs"
    counter.touch()
    counter.chmod(0o666)  # each sandbox has its own user
    test = f"def test_once():\n    with open({str(counter)!r}, 'a+') as file:\n        file.write('x')\n"
    test += "        file.seek(0)\n        assert file.read() != 'x'\n"
    evidence = await court.judge({"shop/amounts.py": FIXED, "tests/test_once.py": test})
    assert (evidence.own_tests_on_base, evidence.own_tests_on_candidate) == (None, None)
    assert evidence.notes == ("Its own tests do not give the same answer every time, so they prove nothing.",)


async def test_own_tests_that_prove_nothing(court: Court) -> None:
    evidence = await court.judge(
        {"shop/amounts.py": FIXED, "tests/test_new.py": "def test_truth():\n    assert True\n"}
    )
    assert (evidence.own_tests_on_base, evidence.own_tests_on_candidate) == (True, True)


async def test_own_tests_that_cannot_be_loaded_on_the_base_commit(court: Court) -> None:
    evidence = await court.judge(
        {
            "shop/amounts.py": FIXED + "\n\ndef cents(text):\n    return parse(text) * 100\n",
            "tests/test_cents.py": "from shop.amounts import cents\n\n\ndef test_it():\n    assert cents('1') == 100\n",
        }
    )
    assert (evidence.own_tests_on_base, evidence.own_tests_on_candidate) == (None, True)
    assert evidence.notes == (
        "Its own tests cannot be run as such on the base commit, so they do not show the problem there.",
    )


async def test_own_tests_may_use_what_they_bring(court: Court) -> None:
    evidence = await court.judge(
        {
            "shop/amounts.py": FIXED,
            "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef typed():\n    return '1,234'\n",
            "tests/test_typed.py": (
                "from shop.amounts import parse\n\n\ndef test_it(typed):\n    assert parse(typed) == 1234\n"
            ),
        }
    )
    assert evidence.own_tests_flip


async def test_hostile_names_of_test_files(court: Court) -> None:
    name = "tests/test_$(touch pwned) '; touch pwned; #.py"
    evidence = await court.judge(
        {"shop/amounts.py": FIXED, name: "from shop.amounts import parse\n" + OWN_TEST.lstrip("\n")}
    )
    assert (evidence.own_tests_flip, evidence.regressions, evidence.test_files) == (True, (), (name,))


async def test_a_change_that_never_ends(court: Court) -> None:
    judge = Judge(court.ground.mirrors, court.sandboxes, Timeouts(tests=1.0, repro=1.0))
    endless = AMOUNTS.replace("return int(text)", "while True: pass")
    facts = SolveFacts(solve(), task=court.ground.task, baseline=court.baseline)
    evidence = await judge.judge(facts, await court.candidate({"shop/amounts.py": endless}))
    assert evidence.regressions == STABLE
    assert evidence.problem == "The tests did not end within 1 seconds, so all 3 stable tests count as not passed."
    assert evidence.repro_after is None  # it is out, so nothing more is run


async def test_a_repro_command_that_never_ends_fails(court: Court) -> None:
    judge = Judge(court.ground.mirrors, court.sandboxes, Timeouts(tests=60.0, repro=1.0))
    task = replace(court.ground.task, options=SolveOptions(repro="sleep 60"))
    found = await judge.baseline(SOLVE, task, REPO, untried(None))
    assert found.repro_exit not in (None, 0)


async def test_a_patch_that_does_not_apply(court: Court) -> None:
    candidate = await court.candidate(FOUR["cause"])
    stale = replace(candidate, patch=candidate.patch.replace("return int(text)", "return float(text)"))
    evidence = await court.judge_candidate(stale, court.baseline)
    assert [failure.gate for failure in evidence.gate_failures] == [Gate.DOES_NOT_APPLY]


@pytest.mark.parametrize(
    ("content", "gates"),
    [(POINTER.replace("12345", "1"), [Gate.LFS]), ("\0PNG", [Gate.LFS]), ("An image\n", [Gate.LFS]), (None, [])],
)
async def test_what_stands_for_a_file_in_lfs_is_not_overwritten(
    court: Court, content: str | None, gates: list[Gate]
) -> None:
    evidence = await court.judge({"logo.png": content, "shop/amounts.py": FIXED})
    assert [failure.gate for failure in evidence.gate_failures] == gates


@pytest.mark.parametrize(("path", "gates"), [("new.png", [Gate.LFS]), ("docs/new.png", [Gate.LFS]), ("new.txt", [])])
async def test_what_belongs_into_lfs_is_not_published_as_it_is(court: Court, path: str, gates: list[Gate]) -> None:
    evidence = await court.judge({path: "text\n", "shop/amounts.py": FIXED})
    assert [failure.gate for failure in evidence.gate_failures] == gates


async def test_without_a_test_command_only_the_repro_command_speaks(court: Court) -> None:
    judge = Judge(court.ground.mirrors, court.sandboxes, TIMEOUTS)
    found = await judge.baseline(SOLVE, court.ground.task, REPO, untried(None), note="Set-up failed.")
    assert found == Baseline(
        None,
        repro=REPRO,
        repro_exit=1,
        note="Set-up failed. No way to run the tests was found.",
        runnable=False,
    )  # fmt: skip
    facts = SolveFacts(solve(), task=court.ground.task, baseline=found)
    evidence = await judge.judge(facts, await court.candidate(FOUR["cause"]))
    assert (evidence.stable_total, evidence.own_tests_flip, evidence.repro_flips) == (0, False, True)


@pytest.mark.parametrize("kind", ISOLATED_IN_THE_SUITE)
async def test_a_part_that_fails_does_not_silence_the_tests(court: Court) -> None:
    judge = Judge(court.ground.mirrors, court.sandboxes, TIMEOUTS)
    command = f"python3 -c 'import nothing_of_this_name' && (cd tests && false) && {court.ground.command}"
    found = await judge.baseline(SOLVE, court.ground.task, REPO, untried(command))
    assert (found.per_test, found.stable, found.canary) == (True, STABLE, "tests/test_amounts.py")
    evidence = await court.judge_candidate(
        await court.candidate({"shop/amounts.py": BREAKING}), replace(found, repro=None)
    )
    assert evidence.regressions == ("tests.test_amounts::test_show",)


async def test_no_tests_are_no_evidence(court: Court) -> None:
    judge = Judge(court.ground.mirrors, court.sandboxes, TIMEOUTS)
    plan = untried("python3 -m unittest discover -s shop -t .")
    found = await judge.baseline(SOLVE, court.ground.task, REPO, plan)
    assert (found.per_test, found.stable) == (False, ())
    assert found.note == "No tests were run on the base commit; the test command ends with exit code 0 there."


async def test_a_runner_without_reports_is_judged_by_its_exit_code(court: Court) -> None:
    judge = Judge(court.ground.mirrors, court.sandboxes, TIMEOUTS)
    command = "PYTHONPATH=. python3 tests/test_amounts.py && python3 -c 'import shop.amounts as a; a.total([\"1\"])'"
    found = await judge.baseline(SOLVE, court.ground.task, REPO, untried(command))
    assert (found.stable, found.per_test, found.canary) == ((command,), False, "tests/test_amounts.py")
    facts = SolveFacts(solve(), task=court.ground.task, baseline=found)

    async def judged(source: str) -> Evidence:
        return await judge.judge(facts, await court.candidate({"shop/amounts.py": source}))

    assert (await judged(FIXED)).stable_passed == 1
    assert (await judged("raise SystemExit(3)\n")).regressions == (command,)
    left = await judged(AMOUNTS + LEAVE)
    assert (left.regressions, left.stable_passed) == ((command,), 0)
    assert left.problem.startswith("Its run reports success with a test file broken on purpose")


LINGERS = "\nimport pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(60)\n"


async def has_begun(sandboxes: Sandboxes, sandbox: SandboxId, judging: asyncio.Task[Any]) -> None:
    """Wait until code that lingers is running. It ends before that only when something is wrong."""
    while not judging.done():
        try:
            if await sandboxes.read(sandbox, "/workspace/begun", limit=1) is not None:
                return
        except SandboxLost:  # not made yet
            await asyncio.sleep(0)
    await judging


async def lose(court: Court, sandbox: SandboxId, judging: asyncio.Task[Any]) -> None:
    await has_begun(court.sandboxes, sandbox, judging)
    await court.sandboxes.close(sandbox)


async def test_a_lost_sandbox_is_replaced(court: Court) -> None:
    judging = asyncio.create_task(court.judge({"shop/amounts.py": AMOUNTS + LINGERS.replace("(60)", "(0.5)")}))
    await lose(court, SandboxId(f"{run_id(SOLVE, 1)}-judge"), judging)
    evidence = await judging
    assert evidence.problem == ""
    assert evidence.stable_passed == evidence.stable_total > 0


async def test_sandboxes_that_are_lost_again_and_again_leave_a_hole_that_is_told(court: Court) -> None:
    judging = asyncio.create_task(court.judge({"shop/amounts.py": AMOUNTS + LINGERS}))
    for _ in range(MOST_LOST):
        await lose(court, SandboxId(f"{run_id(SOLVE, 1)}-judge"), judging)
    evidence = await judging
    assert evidence.problem == "Its sandbox was lost, so not everything could be observed."
    assert evidence.stable_total == 0


async def test_sandboxes_that_are_lost_again_and_again_end_the_baseline(court: Court) -> None:
    judge = Judge(court.ground.mirrors, court.sandboxes, TIMEOUTS)
    toolchain = Toolchain((), "touch begun; sleep 60", "given")
    judging = asyncio.create_task(judge.baseline(SOLVE, court.ground.task, REPO, Attempt(toolchain, Trial())))
    for _ in range(MOST_LOST):
        await lose(court, SandboxId(f"{SOLVE}-base"), judging)
    with pytest.raises(SandboxLost):
        await judging


async def test_cancelling_leaves_no_sandbox(court: Court) -> None:
    judging = asyncio.create_task(court.judge({"shop/amounts.py": AMOUNTS + LINGERS}))
    await has_begun(court.sandboxes, SandboxId(f"{run_id(SOLVE, 1)}-judge"), judging)
    judging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await judging
    assert await court.sandboxes.living() == []


async def test_a_check_that_no_longer_passes_is_told_and_decides_nothing(court: Court) -> None:
    tidy, never = "! grep -rn 'TODO' shop", "false"
    plan = Toolchain((), court.ground.command, "given", checks=(tidy, never))
    judge = Judge(court.ground.mirrors, court.sandboxes, TIMEOUTS)
    found = await judge.baseline(SOLVE, court.ground.task, REPO, Attempt(plan, Trial()))
    assert found.checks == (tidy,)
    facts = SolveFacts(solve(), task=court.ground.task, baseline=found)
    untidy = await judge.judge(facts, await court.candidate({"shop/amounts.py": FIXED + "# TODO\n"}))
    assert untidy.notes == (f"The check `{tidy}` passes before the change and fails with it.",)
    assert untidy.regressions == ()
    assert (await judge.judge(facts, await court.candidate({"shop/amounts.py": FIXED}))).notes == ()
