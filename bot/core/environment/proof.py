"""Which plan holds: what was seen of each when it was tried, and what that is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from bot.core.environment.plan import Plans
from bot.core.environment.time_limits import came_to_no_end, with_time_limits
from bot.core.environment.versions_of_then import differ_in_versions
from bot.core.model import Consulted, RepoConfig, TestReport, Toolchain, Verdict


@dataclass(frozen=True, slots=True)
class Trial:
    """The tests of a prepared workspace as it is, and with the product's own code broken.

    `notices`: does the second run differ from the first? None: there was nothing to break, or nothing to compare.
    `canary`: a test file whose breaking is noticed. "": there was none, or it was not looked for.
    """

    report: TestReport | None = None  # None: the plan has no test command
    notices: bool | None = None
    canary: str = ""


class Proof(IntEnum):
    """What a tried plan is worth, best first."""

    SINGLE_TESTS = 0  # tests pass, told one by one, and they are about the workspace's own code
    EXIT_CODE = 1  # the command as a whole passes, and it is about the workspace's own code
    FAILS = 2  # tests were run, and none of them passes
    ANOTHER_COPY = 3  # what passes says nothing: it passes with the product's code broken, too
    NOTHING = 4  # no test was run


@dataclass(frozen=True, slots=True)
class Attempt:
    """A plan that was tried in a fresh sandbox."""

    plan: Toolchain
    trial: Trial
    set_up_failure: str = ""  # a sentence for people; "" when every set-up command went well
    left_behind: dict[str, str] = field(default_factory=dict)  # path -> blob of files that are part of no candidate
    seconds: float = 0.0
    lacking: tuple[str, ...] = ()  # what is not in the sandbox, a sentence each

    @property
    def proof(self) -> Proof:
        report = self.trial.report
        if report is None:
            return Proof.NOTHING
        passed = any(verdict is Verdict.PASSED for verdict in report.tests.values())
        if not passed:
            return Proof.FAILS if report.per_test else Proof.NOTHING
        if self.trial.notices is False:
            return Proof.ANOTHER_COPY
        return Proof.SINGLE_TESTS if report.per_test else Proof.EXIT_CODE

    def serves(self, plan: Toolchain) -> bool:
        """Does another plan begin where this one's set-up has ended? What has failed a moment ago would fail again."""
        return (plan.setup, plan.ecosystem) == (self.plan.setup, self.plan.ecosystem)

    @property
    def holds(self) -> bool:
        """Good enough to look no further. Tests that come to no end would cost their time in each run."""
        is_whole = not self.set_up_failure and not came_to_no_end(self.trial.report)
        return self.proof is Proof.SINGLE_TESTS and is_whole


@dataclass(frozen=True, slots=True)
class Found:
    """The best of the plans that were tried. Its snapshot is the solve's prepared one."""

    attempt: Attempt
    tried: tuple[Attempt, ...]
    plans: Plans
    help: Consulted | None = None  # what an agent did, where one looked
    note: str = ""  # what came of that, or why none did; for people


def best(attempts: Sequence[Attempt]) -> Attempt:
    """By proof, then by whether set-up went well, then by the number of tests that pass; the first of equals."""
    return min(attempts, key=lambda attempt: (attempt.proof, bool(attempt.set_up_failure), -passing(attempt)))


def next_plan(plans: Sequence[Toolchain], tried: Sequence[Attempt], config: RepoConfig) -> Toolchain | None:
    """The best of those left that differs where the last one failed; None when all have been tried.

    First the same with packages of another day; where the tests came to no end, the same with a time limit for each.
    Where set-up failed, then one with another set-up; where it went well and tests did not, with other tests. What a
    second plan would fail at in the same way comes last.
    """
    left = [plan for plan in plans if plan not in [attempt.plan for attempt in tried]]
    if tried:
        last = tried[-1]
        if other_versions := next((plan for plan in left if differ_in_versions(plan, last.plan)), None):
            return other_versions
        if came_to_no_end(last.trial.report) and (limited := with_time_limits(last.plan, config)):
            return limited
    failed_setups = {attempt.plan.setup for attempt in tried if attempt.set_up_failure}
    failed_tests = {attempt.plan.test for attempt in tried if not attempt.set_up_failure}
    return min(left, key=lambda plan: (plan.setup in failed_setups) + (plan.test in failed_tests), default=None)


def passing(attempt: Attempt) -> int:
    report = attempt.trial.report
    return 0 if report is None else sum(verdict is Verdict.PASSED for verdict in report.tests.values())


def notices(report: TestReport, broken: TestReport) -> bool | None:
    """Does anything that passes go red when the product's own code is broken? None: nothing passes as it is."""
    passed = [name for name, verdict in report.tests.items() if verdict is Verdict.PASSED]
    if not passed:
        return None
    return any(broken.tests.get(name) is not Verdict.PASSED for name in passed)


_NO_TESTS = 5  # pytest works, and there is none: https://docs.pytest.org/en/stable/reference/exit-codes.html
_NOT_FOUND = (126, 127)  # POSIX, 2.8.2: the command cannot be run, or is not there


def starts(report: TestReport, *, given: bool) -> bool:
    """Does the command run tests at all? Then those that a candidate brings can be run, too.

    `given`: a person has said that these are the tests. Then a failure as a whole is one of the tests, which a
    candidate may mend; of a command that was found it is more likely that it cannot work here.
    """
    if report.per_test or Verdict.PASSED in report.tests.values():
        return True
    return report.exit_code not in _NOT_FOUND if given else report.exit_code == _NO_TESTS
