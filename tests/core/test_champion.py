"""The choice between candidates: what decides, what cannot, and what is said about it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.choosing.champion import decide
from bot.core.choosing.phrases import OBJECTIONS
from bot.core.evidence.observations import Reproduction, is_broken, provable, reproduction
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import (
    Baseline,
    Decision,
    Evidence,
    Experiment,
    Gate,
    GateFailure,
    ModelSpec,
    Outcome,
    RunFacts,
    RunId,
    SolveId,
    Strategy,
    run_id,
)

SOLVE = SolveId("s")
A, B, C, D = (run_id(SOLVE, index) for index in (1, 2, 3, 4))
STABLE = tuple(f"tests.test_app::test_{number}" for number in range(41))
BASELINE = Baseline("pytest -q", True, STABLE)
EMPTY = (GateFailure(Gate.EMPTY, ""),)


def run(id: RunId, model: str = "sonnet", prior: float = 0.7, dollars: float = 0.1) -> RunFacts:
    index = int(id.rpartition("-r")[2])
    spec = ModelSpec(model, "somewhere", model, prior=prior)
    return RunFacts(id, SOLVE, Experiment(index, spec, None, Strategy.BASELINE, 100, 1.0), dollars=dollars)


def runs(*facts: RunFacts) -> dict[RunId, RunFacts]:
    return {fact.id: fact for fact in facts}


FOUR = runs(run(A), run(B), run(C), run(D))


def clean(id: RunId, broken: int = 0, lines: int = 10) -> Evidence:
    """Gates passed, tests run, nothing seen to be solved."""
    return Evidence(
        id, regressions=STABLE[:broken], stable_passed=41 - broken, stable_total=41, lines_changed=lines
    )  # fmt: skip


def flips(evidence: Evidence) -> Evidence:
    return replace(
        evidence, own_tests_on_base=False, own_tests_on_candidate=True, test_files=("tests/test_bug.py",)
    )  # fmt: skip


def repro(evidence: Evidence, after: int = 0) -> Evidence:
    return replace(evidence, repro_before=1, repro_after=after)


def order(decision: Decision) -> str:
    return "".join(chr(ord("A") + int(ranked.run[-1]) - 1) for ranked in decision.ranking)


@pytest.mark.parametrize(
    ("evidence", "broken"),
    [
        (clean(A), False),
        (Evidence(A), False),
        (repro(flips(clean(A)), after=1), False),
        (flips(clean(A, broken=1)), False),
        (repro(clean(A, broken=3)), False),
        (repro(clean(A, broken=4)), True),
        (clean(A, broken=1), True),
        (repro(flips(clean(A, broken=1)), after=1), True),
        (flips(Evidence(A, regressions=("t",), stable_total=1)), True),
        (flips(Evidence(A, regressions=STABLE[:10], stable_passed=190, stable_total=200)), False),
        (flips(Evidence(A, regressions=STABLE[:11], stable_passed=189, stable_total=200)), True),
        (replace(flips(clean(A)), gate_failures=EMPTY), True),
    ],
)
def test_what_no_pull_request_may_hold(evidence: Evidence, broken: bool) -> None:
    assert is_broken(evidence) is broken
    assert not broken or decide([evidence], FOUR, BASELINE, publish_unproven=True).outcome is Outcome.NONE


@pytest.mark.parametrize(
    ("evidence", "outcome", "confidence"),
    [
        (repro(clean(A)), Outcome.READY, 0.806),
        (repro(flips(clean(A))), Outcome.READY, 0.883),
        (replace(repro(clean(A)), problem="Its sandbox was lost."), Outcome.DRAFT, 0.806),
        (replace(repro(clean(A)), own_tests_on_candidate=False), Outcome.DRAFT, 0.673),
        (repro(Evidence(A)), Outcome.DRAFT, 0.715),  # its stable tests were not run
        (repro(clean(A, broken=3)), Outcome.DRAFT, 0.604),
        (flips(clean(A)), Outcome.DRAFT, 0.505),
        (replace(clean(A), fixed=("tests::bad",)), Outcome.DRAFT, 0.505),
        (clean(A), Outcome.DRAFT, 0.359),
        (replace(flips(clean(A)), own_tests_on_base=True), Outcome.DRAFT, 0.359),
        (replace(flips(clean(A)), own_tests_on_base=None), Outcome.DRAFT, 0.359),
        (replace(repro(clean(A)), repro_before=0), Outcome.DRAFT, 0.359),
        (flips(Evidence(A)), Outcome.DRAFT, 0.383),
        (flips(clean(A, broken=1)), Outcome.NONE, 0.273),
        (repro(flips(clean(A)), after=1), Outcome.NONE, 0.121),
        (Evidence(A), Outcome.NONE, 0.254),
    ],
)
def test_what_one_candidate_alone_amounts_to(evidence: Evidence, outcome: Outcome, confidence: float) -> None:
    """With a model that solves seven issues in ten alone."""
    decision = decide([evidence], FOUR, BASELINE)
    assert decision.outcome is outcome
    assert decision.champion == (None if outcome is Outcome.NONE else A)
    assert decision.ranking[0].confidence == confidence
    assert decision.confidence == (0.0 if outcome is Outcome.NONE else confidence)


def test_a_lone_patch_of_an_unknown_model_needs_a_persons_command_to_be_ready() -> None:
    unknown = runs(run(A, prior=0.5))
    decision = decide([repro(clean(A))], unknown, BASELINE)
    assert (decision.outcome, decision.confidence) == (Outcome.READY, 0.701)
    assert decide([flips(clean(A))], unknown, BASELINE).outcome is Outcome.DRAFT


def placed(evidence: Evidence, place: float = 0.9, token: float = 0.8) -> Evidence:
    return replace(evidence, place=place, token=token)


@pytest.mark.parametrize(
    ("evidence", "outcome"),
    [
        (placed(flips(clean(A))), Outcome.DRAFT),  # nobody but their author met its tests
        (placed(clean(A)), Outcome.DRAFT),  # one kind only
        (placed(replace(clean(A), fixed=("tests::bad",))), Outcome.READY),
        (placed(flips(Evidence(A)), 1.0, 1.0), Outcome.DRAFT),
    ],
)
def test_ready_takes_two_kinds_of_what_was_run(evidence: Evidence, outcome: Outcome) -> None:
    decision = decide([evidence, placed(clean(B), 0.5, 0.5)], FOUR, BASELINE)
    assert (decision.champion, decision.outcome) == (A, outcome)
    assert decision.confidence >= 0.7


@pytest.mark.parametrize(("passed_by", "outcome"), [((A, C), Outcome.READY), ((A,), Outcome.DRAFT)])
def test_own_tests_are_proof_when_others_met_them(passed_by: tuple[RunId, ...], outcome: Outcome) -> None:
    pool = (
        PooledTest("t", Origin.CANDIDATE, A, passed_by, tuple({B, C} - {*passed_by}), "A's tests"),
        PooledTest("u", Origin.CANDIDATE, B, (A, B, C), (), "B's tests"),
    )
    others = [placed(replace(clean(run), lines_changed=30), 0.5, 0.5) for run in (B, C)]
    decision = decide([placed(flips(clean(A)), 1.0, 1.0), *others], FOUR, BASELINE, pool)
    assert (decision.champion, decision.outcome) == (A, outcome)


def test_a_champion_that_touches_the_runner_is_a_draft_and_that_is_said_first() -> None:
    meddling = replace(repro(flips(clean(A))), meddles=("shop/__init__.py",))
    decision = decide([meddling], FOUR, BASELINE)
    assert decision.outcome is Outcome.DRAFT
    said = "It changes what runs the tests, in shop/__init__.py: please look there first."
    assert decision.uncertain[0] == said


def test_confidence_is_never_above_what_was_measured() -> None:
    sure = runs(run(A, prior=1.0), run(B, prior=1.0))
    by_text = placed(Evidence(A), 1.0, 1.0)
    assert decide([by_text], sure, Baseline(None), publish_unproven=True).confidence == 0.8
    assert decide([placed(repro(flips(clean(A))), 1.0, 1.0)], sure, BASELINE).confidence == 0.9


@pytest.mark.parametrize(
    ("trust", "outcome"), [(0.0, Outcome.DRAFT), (0.35, Outcome.DRAFT), (0.4, Outcome.NONE), (1.0, Outcome.NONE)]
)
def test_a_repository_says_how_sure_is_sure_enough(trust: float, outcome: Outcome) -> None:
    decision = decide([clean(A)], FOUR, BASELINE, trust=trust)
    assert decision.outcome is outcome
    if outcome is Outcome.NONE:
        assert decision.ranking[0].verdict == "too uncertain"
        said = "A is too uncertain. About one in three of such patches was right (36 %); this repository wants "
        assert decision.reasons == (f"{said}{100 * trust:.0f} %.",)
    assert decide([clean(A)], FOUR, BASELINE, trust=trust, publish_unproven=True).outcome is Outcome.DRAFT


@pytest.mark.parametrize(
    ("evidence", "level"),
    [
        (repro(flips(clean(A))), Reproduction.COMMAND_AND_TESTS),
        (repro(clean(A)), Reproduction.COMMAND),
        (flips(clean(A)), Reproduction.TESTS),
        (replace(flips(clean(A)), repro_before=0, repro_after=0), Reproduction.TESTS),
        (clean(A), Reproduction.NOTHING),
        (replace(clean(A), repro_before=1), Reproduction.NOTHING),
        (repro(flips(clean(A)), after=2), Reproduction.STILL_FAILS),
    ],
)
def test_how_well_the_problem_was_reproduced(evidence: Evidence, level: Reproduction) -> None:
    assert reproduction(evidence) is level


MIXED = runs(run(A), run(B), run(C, model="gpt-5-mini"), run(D, model="gpt-5-mini", prior=0.6))

# Each case: what decides, the runs, the evidence, the order. In all of them the loser is the smaller change.
DECIDING: list[tuple[str, Mapping[RunId, RunFacts], list[Evidence], str]] = [
    ("gates", FOUR, [replace(flips(clean(A, lines=1)), gate_failures=EMPTY), clean(B)], "BACD"),
    ("what is broken", FOUR, [clean(A, broken=1, lines=1), flips(clean(B, broken=2))], "BACD"),
    ("tested before untested", FOUR, [flips(Evidence(A, lines_changed=1)), flips(clean(B))], "BACD"),
    ("untested before what breaks tests", FOUR, [flips(clean(A, broken=1, lines=1)), flips(Evidence(B))], "BACD"),
    ("fewer regressions", FOUR, [repro(flips(clean(A, broken=2, lines=1))), repro(flips(clean(B, broken=1)))], "BACD"),
    ("a repro command before own tests", FOUR, [flips(clean(A, lines=1)), repro(clean(B))], "BACD"),
    ("both before either", FOUR, [repro(clean(A, lines=1)), repro(flips(clean(B)))], "BACD"),
    ("something before nothing", FOUR, [clean(A, lines=1), flips(clean(B))], "BACD"),
    ("nothing before a repro that still fails", FOUR, [repro(flips(clean(A, lines=1)), after=1), clean(B)], "BACD"),
    ("the place", FOUR, [placed(clean(A, lines=1), 0.3, 0.9), placed(clean(B), 0.5, 0.9)], "BACD"),
    ("the text", FOUR, [placed(clean(A, lines=1), 0.5, 0.3), placed(clean(B), 0.5, 0.5)], "BACD"),
    ("comments alone", FOUR, [replace(clean(A, lines=1), inert=True), clean(B)], "BACD"),
    ("more than the example", FOUR, [replace(clean(A, lines=1), special_cases=("113",)), clean(B)], "BACD"),
    ("the model's prior", MIXED, [flips(clean(D, lines=1)), flips(clean(A))], "ADBC"),
    ("agreement before a slightly better model", MIXED, [clean(A, lines=1), placed(clean(D))], "DABC"),
    ("likeness", FOUR, [replace(clean(A, lines=1), agreement=0.6), replace(clean(B), agreement=0.7)], "BACD"),
    ("the smaller change", FOUR, [flips(clean(A, lines=9)), flips(clean(B, lines=8))], "BACD"),
    ("the cheaper run", runs(run(A, dollars=0.2), run(B, dollars=0.1)), [flips(clean(A)), flips(clean(B))], "BA"),
    ("the run id", FOUR, [flips(clean(B)), flips(clean(A)), flips(clean(C))], "ABCD"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "evidence", "expected"), [case[1:] for case in DECIDING], ids=[c[0] for c in DECIDING]
)
def test_what_decides(facts: Mapping[RunId, RunFacts], evidence: list[Evidence], expected: str) -> None:
    assert order(decide(evidence, facts, BASELINE)) == expected
    assert order(decide(evidence[::-1], facts, BASELINE)) == expected


def test_the_four_of_the_demonstration() -> None:
    """The issue's example as a special case, a fix that breaks another function, the cause with a test, nothing."""
    facts = runs(run(A), run(B), run(C, dollars=0.5), run(D))
    decision = decide(
        [
            clean(A, lines=2),
            flips(clean(B, broken=2, lines=3)),
            flips(clean(C, lines=14)),
            Evidence(D, gate_failures=EMPTY),
        ],
        facts,
        BASELINE,
    )
    assert (decision.outcome, decision.champion, decision.runner_up) == (Outcome.DRAFT, C, A)
    assert [(ranked.run, ranked.verdict, ranked.eligible) for ranked in decision.ranking] == [
        (C, "champion", True),
        (A, "runner-up", True),
        (B, "breaks 2 tests", False),
        (D, "empty", False),
    ]
    assert (*decision.reasons, *decision.others) == (
        "It keeps all 41 stable tests.",
        "Its own tests fail without the change and pass with it: tests/test_bug.py.",
        "Chosen over A: A brings no test that fails without its change.",
        "Chosen over B: it keeps all 41 stable tests, B breaks 2.",
        "D is out: it changes nothing.",
    )
    assert decision.uncertain == ("No other candidate made the same change.",)


def test_nothing_can_be_trusted() -> None:
    two = (GateFailure(Gate.PROTECTED_PATH, ".github/x\n@all"), GateFailure(Gate.BINARY, "a.bin"))
    decision = decide(
        [
            Evidence(A, gate_failures=two),
            clean(B, broken=30),
            flips(clean(C, broken=12)),
        ],
        FOUR,
        BASELINE,
    )  # fmt: skip
    assert (decision.outcome, decision.champion, decision.runner_up) == (Outcome.NONE, None, None)
    assert not any(ranked.eligible for ranked in decision.ranking)
    assert [ranked.verdict for ranked in decision.ranking] == [
        "breaks 12 tests", "breaks 30 tests", "protected path", "no candidate",
    ]  # fmt: skip
    assert decision.reasons == (
        "C is out: it breaks 12 of 41 stable tests.",
        "B is out: it breaks 30 of 41 stable tests, and was not seen to solve the problem.",
        "A is out: it changes a protected path (.github/x @all), and it adds a binary file (a.bin).",
    )


@pytest.mark.parametrize("gate", Gate)
def test_every_gate_has_its_words(gate: Gate) -> None:
    [reason] = decide([Evidence(A, gate_failures=(GateFailure(gate, "x"),))], FOUR, BASELINE).reasons
    assert reason == f"A is out: it {OBJECTIONS[gate]} (x)."


@pytest.mark.parametrize(
    ("models", "told"),
    [
        ("xx", "Made nearly the same change as B, a run of the same model."),
        ("xxx", "Made nearly the same change as B and C, runs of the same model."),
        ("xy", "Made nearly the same change as B, of another model, independently."),
        ("xyz", "Made nearly the same change as B and C, of other models, independently."),
        ("xxyy", "Made nearly the same change as B, a run of the same model, and C and D, of other models."),
    ],
)
def test_runs_of_one_model_are_not_independent(models: str, told: str) -> None:
    ids = (A, B, C, D)[: len(models)]
    facts = runs(*(run(id, model) for id, model in zip(ids, models, strict=True)))
    agreeing = [replace(flips(clean(id)), agrees_with=tuple(other for other in ids if other != id)) for id in ids]
    decision = decide(agreeing, facts, BASELINE)
    assert decision.champion == A
    assert told in decision.reasons


def test_a_candidate_that_passes_nothing_says_why() -> None:
    late = Evidence(A, regressions=STABLE, stable_total=41, problem="The tests did not end within 600 seconds.")
    decision = decide([late], FOUR, BASELINE)
    assert decision.ranking[0].verdict == "passes no stable test"
    assert decision.reasons == (
        "A is out: it passes none of 41 stable tests, and was not seen to solve the problem. "
        "The tests did not end within 600 seconds.",
    )
    one = Evidence(A, regressions=("make test",), stable_total=1)
    assert decide([one], FOUR, Baseline("make test", stable=("make test",))).reasons == (
        "A is out: it makes the test command fail, and was not seen to solve the problem.",
    )


def test_a_champion_of_which_nothing_was_observed() -> None:
    decision = decide([Evidence(A)], FOUR, Baseline(None), publish_unproven=True)
    assert (decision.outcome, decision.champion) == (Outcome.DRAFT, A)
    assert decision.reasons == ("It passes every gate; nothing else speaks for it.",)


def test_where_nothing_could_be_run_there_is_no_champion_unless_somebody_wants_one() -> None:
    decision = decide([Evidence(A)], FOUR, Baseline(None))
    assert (decision.outcome, decision.champion) == (Outcome.NONE, None)
    assert decision.reasons == ("A is unproven: nothing that was run speaks for it.",)
    assert {place.run: place.verdict for place in decision.ranking}[A] == "unproven"
    assert decide([flips(Evidence(A))], FOUR, Baseline("t")).champion == A  # its own tests say something


@pytest.mark.parametrize(
    ("baseline", "expected"),
    [
        (Baseline("t", stable=("a",)), True),
        (Baseline(None, runnable=False), False),
        (Baseline(None, runnable=False, repro="make crash"), True),
    ],
)
def test_whether_anything_can_be_proved_is_known_before_the_first_dollar(baseline: Baseline, expected: bool) -> None:
    assert provable(baseline) is expected


def test_no_run_produced_anything() -> None:
    decision = decide([], FOUR, BASELINE)
    assert (decision.outcome, decision.champion, order(decision)) == (Outcome.NONE, None, "ABCD")
    assert decision.reasons == ("No run produced a candidate.",)


@pytest.mark.parametrize(
    ("winner", "loser", "facts", "sentence"),
    [
        (flips(clean(A)), repro(flips(clean(B)), 3), FOUR, "B still fails the repro command (exit code 3)."),
        (flips(clean(A)), flips(Evidence(B)), FOUR, "the tests could not be run on B."),
        (repro(clean(A, 1)), repro(clean(B, 2)), FOUR, "it breaks 1 of 41 stable tests, B breaks 2."),
        (flips(clean(A)), flips(clean(B, 2)), FOUR, "it keeps all 41 stable tests, B breaks 2."),
        (flips(clean(A)), replace(flips(clean(B)), own_tests_on_candidate=False), FOUR, "B fails its own tests."),
        (repro(clean(A)), flips(clean(B)), FOUR, "B passes its own tests only."),
        (flips(clean(A)), clean(B), FOUR, "B brings no test that fails without its change."),
        (replace(flips(clean(A)), fixed=("t",)), flips(clean(B)), FOUR, "it fixes 1 test that failed before, B none."),
        (placed(flips(clean(A))), flips(clean(B)), FOUR,
         "its change is more like those of the others than that of B is."),
        (placed(flips(clean(A)), 0.9), placed(clean(B), 0.3), FOUR,
         "its change is more like those of the others than that of B is, and B brings no test that fails without its "
         "change."),
        (flips(clean(A)), replace(flips(clean(B)), inert=True), FOUR, "B changes nothing but comments and tests."),
        (flips(clean(A)), replace(flips(clean(B)), special_cases=("113", "user.mail")), FOUR,
         "B asks for 113, user.mail, as in the issue's own example."),
        (flips(clean(A)), flips(clean(D)), MIXED, "its model solves more issues alone (70.0%, that of D 60.0%)."),
        (placed(clean(A), 0.5), placed(clean(B), 0.49), FOUR, "slightly more speaks for it than for B."),
        (flips(clean(A, lines=3)), flips(clean(B, lines=9)), FOUR,
         "equal evidence, and a smaller change (3 lines, B 9)."),
        (flips(clean(A)), flips(clean(B)), runs(run(A, dollars=0.0312), run(B)),
         "equal evidence and size, and a cheaper run ($0.0312, B $0.1000)."),
        (flips(clean(A)), flips(clean(B)), FOUR, "nothing tells them apart, so the lower run id counts."),
    ],
)  # fmt: skip
def test_why_this_one_and_not_that_one(
    winner: Evidence, loser: Evidence, facts: Mapping[RunId, RunFacts], sentence: str
) -> None:
    decision = decide([loser, winner], facts, BASELINE)
    assert decision.champion == winner.run
    letter = facts[loser.run].experiment.letter
    assert decision.reasons[-1] == f"Chosen over {letter}: {sentence}"


ALONE = "There was no other candidate to compare it with."


@pytest.mark.parametrize(
    ("evidence", "baseline", "said"),
    [
        (flips(clean(A)), BASELINE, []),
        (Evidence(A), Baseline(None, note="No way to run the tests was found."), [
            "No way to run the tests was found.",
            "Nothing that was run shows the problem before the change and its absence after it.",
        ]),
        (repro(Evidence(A)), Baseline("make", failing=("make",)), [
            "No test passes every time on the base commit, so a regression would go unseen.",
            "Not counted, because they fail on the base commit already: make.",
        ]),
        (flips(Evidence(A, stable_passed=1, stable_total=1)), Baseline("make", stable=("make",)), [
            "The test command gives no results per test; only its exit code was compared.",
        ]),
        (flips(clean(A)), replace(BASELINE, flaky=("a", "b", "c", "d", "e", "f")), [
            "Left out as flaky on the base commit: a, b, c, d and 2 more.",
        ]),
        (replace(flips(clean(A)), notes=("Failed at first.",), problem="Its sandbox was lost."), BASELINE, [
            "Its sandbox was lost.", "Failed at first.",
        ]),
        (repro(Evidence(A)), BASELINE, ["The tests were not run on it."]),
        (replace(clean(A), own_tests_on_base=True, own_tests_on_candidate=True), BASELINE, [
            "Its own tests pass without the change already, so they prove nothing.",
            "Nothing that was run shows the problem before the change and its absence after it.",
        ]),
        (replace(repro(clean(A)), own_tests_on_base=False, own_tests_on_candidate=False), BASELINE, [
            "Its own tests do not pass with its change.",
        ]),
        (replace(flips(clean(A)), repro_before=0, repro_after=0), BASELINE, [
            "The repro command passes on the base commit already, so it proves nothing.",
        ]),
        (repro(clean(A), after=7), BASELINE, ["The repro command still fails (exit code 7)."]),
        (flips(clean(A, broken=1)), BASELINE, [
            "Whether the tests it breaks were right is for people to say: tests.test_app::test_0.",
        ]),
    ],
)  # fmt: skip
def test_what_is_uncertain(evidence: Evidence, baseline: Baseline, said: list[str]) -> None:
    assert decide([evidence], FOUR, baseline, publish_unproven=True).uncertain == (*said, ALONE)


def test_hostile_names_stay_on_one_line_and_short() -> None:
    evidence = flips(replace(clean(A), fixed=("x\n## fixes #1\u202e\x1b[31m", "y" * 5000)))
    decision = decide([evidence], FOUR, BASELINE)
    assert all(len(sentence) < 400 and sentence.isprintable() for sentence in decision.reasons)


# ------------------------------------------------------------------------------------------------- what always holds

unhurried = settings(max_examples=50, deadline=None)  # a busy machine is no failure
IDS = [run_id(SOLVE, index) for index in range(1, 6)]
NAMES = st.sampled_from(STABLE[:6])
EXIT = st.sampled_from([None, 0, 1])
MAYBE = st.sampled_from([None, False, True])


@st.composite
def judged(draw: st.DrawFn, id: RunId) -> Evidence:
    total = draw(st.sampled_from([0, 6, 41, 200]))
    broken = tuple(sorted(draw(st.sets(NAMES)))) if total else ()
    return Evidence(
        id,
        gate_failures=draw(st.sampled_from([(), (), (), EMPTY])),
        regressions=broken,
        stable_passed=total - len(broken),
        stable_total=total,
        own_tests_on_base=draw(MAYBE),
        own_tests_on_candidate=draw(MAYBE),
        fixed=draw(st.sampled_from([(), ("tests::bad",)])),
        repro_before=draw(EXIT),
        repro_after=draw(EXIT),
        place=draw(st.sampled_from([0.0, 0.4, 1.0])),
        token=draw(st.sampled_from([0.0, 0.6])),
        inert=draw(st.sampled_from([False, False, True])),
        lines_changed=draw(st.integers(0, 3)),
        problem=draw(st.sampled_from(["", "Its sandbox was lost."])),
    )


@st.composite
def solves(draw: st.DrawFn) -> tuple[list[Evidence], dict[RunId, RunFacts], Baseline]:
    model, prior, dollars = st.sampled_from(["a", "b"]), st.sampled_from([0.5, 0.7]), st.sampled_from([0.1, 0.2])
    facts = runs(*(run(each, draw(model), draw(prior), draw(dollars)) for each in IDS))
    evidence = [draw(judged(each)) for each in draw(st.lists(st.sampled_from(IDS), unique=True))]
    return evidence, facts, draw(st.sampled_from([BASELINE, Baseline(None), Baseline("make", stable=("make",))]))


@unhurried
@given(solve=solves(), data=st.data())
def test_the_place_in_the_list_never_matters(
    solve: tuple[list[Evidence], dict[RunId, RunFacts], Baseline], data: st.DataObject
) -> None:
    evidence, facts, baseline = solve
    shuffled = data.draw(st.permutations(evidence))
    turned = dict(data.draw(st.permutations(list(facts.items()))))
    assert decide(shuffled, turned, baseline) == decide(evidence, facts, baseline)


@unhurried
@given(solve=solves())
def test_a_decision_is_whole(solve: tuple[list[Evidence], dict[RunId, RunFacts], Baseline]) -> None:
    evidence, facts, baseline = solve
    decision = decide(evidence, facts, baseline)
    assert sorted(ranked.run for ranked in decision.ranking) == IDS
    assert [ranked.place for ranked in decision.ranking] == [1, 2, 3, 4, 5]
    eligible = [ranked.run for ranked in decision.ranking if ranked.eligible]
    assert [decision.champion, decision.runner_up] == [*eligible, None, None][:2]
    assert (decision.champion is None) == (decision.outcome is Outcome.NONE)
    assert not eligible or decision.ranking[0].run == decision.champion
    failed = {item.run for item in evidence if item.gate_failures}
    assert not failed & set(eligible)
    assert decision.reasons


def _add_regression(evidence: Evidence) -> Evidence:
    if evidence.stable_passed == 0:
        return evidence
    broken = (*evidence.regressions, "tests.test_app::one_more")
    return replace(evidence, regressions=broken, stable_passed=evidence.stable_passed - 1)


WORSE: dict[str, Callable[[Evidence], Evidence]] = {
    "a regression": _add_regression,
    "a failed gate": lambda evidence: replace(evidence, gate_failures=(*evidence.gate_failures, *EMPTY)),
    "no tests of its own": lambda evidence: (
        replace(evidence, own_tests_on_base=None, own_tests_on_candidate=None)
        if evidence.own_tests_on_candidate is not False
        else evidence
    ),
    "own tests that fail": lambda evidence: replace(evidence, own_tests_on_candidate=False),
    "nothing fixed": lambda evidence: replace(evidence, fixed=()),
    "a repro that still fails": lambda evidence: replace(evidence, repro_before=1, repro_after=1),
    "another place": lambda evidence: replace(evidence, place=0.0),
    "another text": lambda evidence: replace(evidence, token=0.0),
    "nothing but comments": lambda evidence: replace(evidence, inert=True),
    "nothing but the example": lambda evidence: replace(evidence, special_cases=("113",)),
    "a larger change": lambda evidence: replace(evidence, lines_changed=evidence.lines_changed + 1),
    "a hole in the evidence": lambda evidence: replace(evidence, problem="Its sandbox was lost."),
}
BETTER_FIRST = [Outcome.READY, Outcome.DRAFT, Outcome.NONE]


@pytest.mark.parametrize("worsen", WORSE.values(), ids=WORSE.keys())
@unhurried
@given(solve=solves())
def test_worse_evidence_never_helps(
    worsen: Callable[[Evidence], Evidence], solve: tuple[list[Evidence], dict[RunId, RunFacts], Baseline]
) -> None:
    evidence, facts, baseline = solve
    before = decide(evidence, facts, baseline)
    for index, item in enumerate(evidence):
        after = decide([*evidence[:index], worsen(item), *evidence[index + 1 :]], facts, baseline)
        assert _place(after, item.run) >= _place(before, item.run)
        assert after.confidence <= before.confidence
        if after.champion == before.champion:
            assert BETTER_FIRST.index(after.outcome) >= BETTER_FIRST.index(before.outcome)


def _place(decision: Decision, run: RunId) -> int:
    return next(ranked.place for ranked in decision.ranking if ranked.run == run)
