"""What plans that were tried are worth, and which comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.core.environment.proof import Attempt, Proof, Trial, best, next_plan, notices, starts
from bot.core.model import RepoConfig, TestReport, Toolchain, Verdict

NO_CONFIG = RepoConfig()
PASSED, FAILED, SKIPPED = Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED


def plan(setup: str = "a", test: str | None = "t") -> Toolchain:
    return Toolchain((setup,), test, "why")


def report(tests: Mapping[str, Verdict], *, per_test: bool = True, exit_code: int = 0) -> TestReport:
    return TestReport("t", exit_code, dict(tests), per_test, 1.0)


def attempt(trial: Trial, failure: str = "", of: Toolchain | None = None) -> Attempt:
    return Attempt(of or plan(), trial, failure)


ONE_PASSES = report({"a": PASSED, "b": FAILED})
CLEAN = report({"t": PASSED}, per_test=False)


@pytest.mark.parametrize(
    ("trial", "proof"),
    [
        (Trial(ONE_PASSES, notices=True), Proof.SINGLE_TESTS),
        (Trial(ONE_PASSES, notices=None), Proof.SINGLE_TESTS),  # there was nothing to break
        (Trial(ONE_PASSES, notices=False), Proof.ANOTHER_COPY),
        (Trial(CLEAN, notices=True), Proof.EXIT_CODE),
        (Trial(CLEAN, notices=False), Proof.ANOTHER_COPY),
        (Trial(report({"a": FAILED, "b": SKIPPED}), notices=None), Proof.FAILS),
        (Trial(report({"t": FAILED}, per_test=False, exit_code=1)), Proof.NOTHING),
        (Trial(), Proof.NOTHING),
    ],
)
def test_what_a_tried_plan_is_worth(trial: Trial, proof: Proof) -> None:
    assert attempt(trial).proof is proof
    assert attempt(trial).holds is (proof is Proof.SINGLE_TESTS)
    assert not attempt(trial, "set-up failed").holds


def test_the_best_is_the_best_proved_then_the_one_set_up_whole_then_the_one_with_most_tests() -> None:
    copy, whole = attempt(Trial(ONE_PASSES, notices=False)), attempt(Trial(CLEAN, notices=True))
    few, many = attempt(Trial(ONE_PASSES)), attempt(Trial(report({"a": PASSED, "b": PASSED})))
    broken = attempt(Trial(report(dict.fromkeys("abcdef", PASSED))), "set-up failed")
    assert best([copy, whole]) is whole
    assert best([few, many]) is many
    assert best([broken, few]) is few
    assert best([copy, broken]) is broken


def test_the_next_plan_differs_where_the_last_one_failed() -> None:
    plans = [plan("a", "t"), plan("a", "u"), plan("b", "t"), plan("b", "u")]
    no_tests = attempt(Trial(), of=plans[0])
    no_set_up = attempt(Trial(), "set-up failed", of=plans[0])
    assert next_plan(plans, [], NO_CONFIG) == plans[0]
    assert next_plan(plans, [no_tests], NO_CONFIG) == plan("a", "u")
    assert next_plan(plans, [no_set_up], NO_CONFIG) == plan("b", "t")
    tried: list[Attempt] = []
    while (following := next_plan(plans, tried, NO_CONFIG)) is not None:
        tried.append(attempt(Trial(), of=following))
    assert sorted((*each.plan.setup, str(each.plan.test)) for each in tried) == sorted(
        (*each.setup, str(each.test)) for each in plans
    )


PYTEST = Toolchain(
    ("uv venv ~/venv", "uv pip install -e ."), "cd a && python -m pytest -q; (pytest b -x) ; ruff", "tox"
)
LIMITS = "-n1 --max-worker-restart=20 --timeout=30 --timeout-method=thread"
LIMITED = Toolchain(
    (*PYTEST.setup, "uv pip install --quiet --python ~/venv pytest-timeout pytest-xdist"),
    f"cd a && python -m pytest {LIMITS} -q; (pytest {LIMITS} b -x); ruff",
    "tox, a time limit for each test",
)
HANGS = TestReport("t", 137, {}, False, 150.0, timed_out=True)


@pytest.mark.parametrize(
    ("ended", "follows"),
    [
        (HANGS, LIMITED),
        (replace(HANGS, timed_out=False, exit_code=139), LIMITED),  # the interpreter crashed
        (replace(HANGS, tests={"a": PASSED}, per_test=True), LIMITED),  # one part of several has hung
        (replace(HANGS, timed_out=False, exit_code=1), plan("other")),
        (replace(HANGS, timed_out=False, exit_code=139, tests={"a": FAILED}, per_test=True), plan("other")),
    ],
)
def test_where_the_tests_come_to_no_end_the_same_follow_with_a_limit_for_each(
    ended: TestReport, follows: Toolchain
) -> None:
    seen = attempt(Trial(ended), of=PYTEST)
    assert not seen.holds
    assert next_plan([PYTEST, plan("other")], [seen], NO_CONFIG) == follows


@pytest.mark.parametrize(
    ("seen", "config"),
    [
        (LIMITED, NO_CONFIG),
        (replace(PYTEST, setup=()), NO_CONFIG),  # nothing can be installed into the sandbox's own Python
        (replace(PYTEST, test="make test"), NO_CONFIG),
        (PYTEST, RepoConfig(test="pytest")),  # a person has said it
    ],
)
def test_what_can_be_given_no_limit_is_followed_by_the_next_plan(seen: Toolchain, config: RepoConfig) -> None:
    assert next_plan([seen, plan("other")], [attempt(Trial(HANGS), of=seen)], config) == plan("other")


def test_a_set_up_that_went_well_serves_the_next_plan_that_begins_in_the_same_way() -> None:
    assert attempt(Trial(), of=plan("a", "t")).serves(plan("a", "u"))
    assert not attempt(Trial(), of=plan("a", "t")).serves(plan("b", "t"))
    assert attempt(Trial(), "set-up failed", of=plan("a", "t")).serves(plan("a", "u")), "it would fail again"


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ({"a": FAILED, "b": FAILED}, True),
        ({"b": FAILED}, True),  # it cannot even be collected
        ({"a": PASSED, "b": PASSED}, False),
        ({"a": SKIPPED}, True),
    ],
)
def test_tests_notice_when_something_that_passes_no_longer_does(broken: dict[str, Verdict], expected: bool) -> None:
    assert notices(ONE_PASSES, report(broken)) is expected
    assert notices(report({"a": FAILED}), report(broken)) is None


@pytest.mark.parametrize(
    ("seen", "given", "expected"),
    [
        (ONE_PASSES, False, True),
        (report({"a": FAILED}), False, True),
        (CLEAN, False, True),
        (report({"t": FAILED}, per_test=False, exit_code=1), False, False),
        (report({"t": FAILED}, per_test=False, exit_code=1), True, True),
        (report({"t": FAILED}, per_test=False, exit_code=127), True, False),
        (report({"t": FAILED}, per_test=False, exit_code=126), True, False),
        (report({"t": FAILED}, per_test=False, exit_code=5), False, True),  # pytest: there is no test
    ],
)
def test_whether_tests_that_a_candidate_brings_could_be_run(seen: TestReport, given: bool, expected: bool) -> None:
    assert starts(seen, given=given) is expected
