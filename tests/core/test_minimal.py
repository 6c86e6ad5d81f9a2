"""Which hunks of a champion may be more than it takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.candidate.minimal import MOST_HUNKS, as_good, same_behaviour, spare_hunks
from bot.core.evidence.behaviour import Behaviour, Probed
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import Candidate, Evidence, Gate, GateFailure, Minimal, RunId, SolveFacts
from tests.core.facts import decided, run

A, B = run(1).id, run(2).id
BOTH = PooledTest("t::x", Origin.CANDIDATE, A, (A, B), (), "A's tests")
ONLY_A = replace(BOTH, passed_by=(A,), failed_by=(B,))


def hunk(path: str, line: int, added: int = 1) -> str:
    new = "".join(f"+new {number}\n" for number in range(added))
    return (
        f"diff --git a/{path} b/{path}\nindex 1..2 100644\n--- a/{path}\n+++ b/{path}\n"
        f"@@ -{line},1 +{line},{added} @@\n-old\n{new}"
    )


SAME = hunk("src/a.py", 10)


def facts(ours: str, theirs: str = SAME, pool: tuple[PooledTest, ...] = (BOTH,), **changes: object) -> SolveFacts:
    """The champion is the first."""
    base = decided()
    assert base.decision is not None
    runs = tuple(replace(run(n), candidate=Candidate(run(n).id, patch, ())) for n, patch in ((1, ours), (2, theirs)))
    return replace(base, runs=runs, pool=pool, decision=replace(base.decision, champion=A), **changes)  # type: ignore[arg-type]


def test_what_only_the_champion_changes_is_tried_the_largest_first() -> None:
    found = spare_hunks(facts(SAME + hunk("src/b.py", 3) + hunk("src/c.py", 5, 4)))
    assert [(each.path, each.line) for each in found] == [("src/c.py", 5), ("src/b.py", 3)]


@pytest.mark.parametrize(
    ("why", "solve"),
    [
        ("the other touches the same line", facts(SAME + hunk("src/b.py", 3), SAME + hunk("src/b.py", 3, 9))),
        ("the other does not pass the same tests", facts(SAME + hunk("src/b.py", 3), pool=(ONLY_A,))),
        ("no test was met by both", facts(SAME + hunk("src/b.py", 3), pool=())),
        ("it has nothing in common with the other", facts(hunk("src/b.py", 3))),
        ("it is a test", facts(SAME + hunk("tests/test_b.py", 3))),
        ("it is what tests read", facts(SAME + hunk("tests/conftest.py", 3))),
        ("it is documentation", facts(SAME + hunk("docs/usage.md", 3))),
        (
            "the other was seen to do something else",
            facts(
                SAME + hunk("src/b.py", 3),
                probed=Probed(
                    ("f(1)",), 1, ("returns 0",), (Behaviour(A, ("returns 1",)), Behaviour(B, ("returns 2",)))
                ),
            ),
        ),
    ],
)
def test_what_stays_whoever_asks(why: str, solve: SolveFacts) -> None:
    assert spare_hunks(solve) == (), why


def test_no_more_than_a_few_are_tried() -> None:
    assert len(spare_hunks(facts(SAME + "".join(hunk(f"src/m{n}.py", 1) for n in range(40))))) == MOST_HUNKS


GOOD = Evidence(A, stable_passed=5, stable_total=5, own_tests_on_base=False, own_tests_on_candidate=True)


@pytest.mark.parametrize(
    ("after", "good"),
    [
        (GOOD, True),
        (replace(GOOD, fixed=("t::y",)), True),
        (replace(GOOD, regressions=("t::z",), stable_passed=4), False),
        (replace(GOOD, own_tests_on_candidate=False), False),
        (replace(GOOD, own_tests_on_candidate=None), False),
        (replace(GOOD, stable_total=0, stable_passed=0), False),
        (replace(GOOD, gate_failures=(GateFailure(Gate.EMPTY, ""),)), False),
        (replace(GOOD, problem="the tests took too long"), False),
        (replace(GOOD, repro_before=1, repro_after=1), False),
    ],
)
def test_as_good_means_that_nothing_is_worse(after: Evidence, good: bool) -> None:
    assert as_good(GOOD, after) is good


def test_all_that_was_seen_has_to_come_again() -> None:
    probed = Probed(("f(1)", "f(2)"), 1, ("", ""), (Behaviour(A, ("returns 1", "")),))
    assert same_behaviour(probed, A, {"f(1)": "returns 1", "f(2)": "returns 9"})
    assert not same_behaviour(probed, A, {"f(1)": "returns 2"})
    assert not same_behaviour(probed, A, {})
    assert same_behaviour(None, A, {})


def test_the_champion_is_what_is_published() -> None:
    small = Candidate(A, SAME, ())
    solve = facts(SAME + hunk("src/b.py", 3), minimal=Minimal(small, ("src/b.py:3 (+1 -1)",)))
    assert solve.champion is not None
    assert solve.champion.candidate == small
    assert solve.decision is not None
    another = replace(solve, decision=replace(solve.decision, champion=B))
    assert another.champion is not None
    assert another.champion.candidate == Candidate(RunId(B), SAME, ())
