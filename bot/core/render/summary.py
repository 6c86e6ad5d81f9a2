"""The pull request in three lines, before anything else: what was done, what proves it, what is doubtful."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.choosing.phrases import enumerated, how_many
from bot.core.evidence.observations import Reproduction, reproduction
from bot.core.evidence.pool import Origin
from bot.core.model import Decision, Draft, Evidence, Outcome, RunFacts, SolveFacts, TriggerKind
from bot.core.render.candidate_matrix import how_sure, score
from bot.core.render.evidence import attempts_made
from bot.core.render.text import code, count, harmless, listed
from bot.core.text.outgoing import Clean

_PATHS = 3
_PROOFS = 3
_DOUBTS = 2
_LONGEST = 240  # characters of one doubt; all of it stands further down
UNCERTAIN = "What is uncertain"  # the heading below which all doubts stand
NOT_ENOUGH = "The evidence is not enough to call it ready."


def three_lines(facts: SolveFacts, champion: RunFacts, moved: Clean | None) -> str:
    """`moved`: a sentence about the base branch, where it went on while we worked."""
    lines = {"Done": _done(facts, champion), "Proof": _proof(facts, champion), "Doubt": _doubt(facts, champion, moved)}
    return "\n".join(f"- **{name}:** {said}" for name, said in lines.items())


def _done(facts: SolveFacts, champion: RunFacts) -> str:
    """Fixes #7: candidate A (`m1`), chosen from 3 attempts, changes `src/a.py` (+3 −1)."""
    fixes = "" if facts.solve.trigger.kind is TriggerKind.COMMAND_LINE else f"Fixes #{facts.solve.issue.number}: "
    changes = champion.candidate.changes if champion.candidate else ()
    added, removed = sum(change.added for change in changes), sum(change.removed for change in changes)
    chosen = f"candidate **{champion.experiment.letter}** ({code(champion.experiment.model.name)})"
    of = f", chosen from {attempts_made(facts)}," if sum(run.was_begun for run in facts.runs) > 1 else ""
    paths = listed([change.path for change in changes], _PATHS)
    return f"{fixes}{chosen}{of} changes {paths} (+{added:,} −{removed:,})."


def _proof(facts: SolveFacts, champion: RunFacts) -> str:
    """What was run and speaks for it, the strongest first."""
    found = list(_proofs(facts, champion))[:_PROOFS]
    if not found:
        return "none. Nothing that was run shows that it works."
    return f"{'; '.join(found)}."


def _proofs(facts: SolveFacts, champion: RunFacts) -> Iterator[str]:
    evidence = champion.evidence or Evidence(champion.id)
    if evidence.repro_flips:
        yield f"the repro command failed without the change (exit code {evidence.repro_before}) and passes with it"
    if evidence.own_tests_flip:
        yield "its own tests fail without the change and pass with it"
    if evidence.fixed:
        now = "passes" if len(evidence.fixed) == 1 else "pass"
        yield f"{how_many(len(evidence.fixed))} that failed before {now} now"
    passed, met = score([test for test in facts.pool if test.origin is Origin.ISSUE], champion.id)
    if met and passed == met:
        yield f"it passes the {count(met, 'test')} that {'was' if met == 1 else 'were'} written from the issue alone"
    if evidence.stable_total and not evidence.regressions:
        yield _kept(evidence, facts)
    if alike := [run.experiment.letter for run in facts.runs if run.id in evidence.agrees_with]:
        yield f"{enumerated(alike)} made nearly the same change"


def _kept(evidence: Evidence, facts: SolveFacts) -> str:
    if facts.baseline is not None and not facts.baseline.per_test:
        return "the test command still passes"
    if evidence.stable_total == 1:
        return "the 1 test that passed before still passes"
    return f"all {evidence.stable_total:,} tests that passed before still pass"


def _doubt(facts: SolveFacts, champion: RunFacts, moved: Clean | None) -> str:
    """How sure the choice is, and the first doubts; how many more there are, and where."""
    assert facts.decision is not None
    sure = how_sure(facts.decision)
    doubts = all_doubts(facts, champion, moved)
    most = _DOUBTS + (facts.decision.outcome is Outcome.DRAFT)
    shown = [harmless(doubt, _LONGEST).replace("  \n", " ") for doubt in doubts[:most]]
    more = len(doubts) - len(shown)
    rest = f"{more} more under “{UNCERTAIN}”." if more else ""
    return " ".join(filter(None, (sure, *shown, rest))) or "nothing that was run speaks against it."


def all_doubts(facts: SolveFacts, champion: RunFacts, moved: Clean | None) -> list[str]:
    """Plain sentences, those first that a reviewer has to act on."""
    assert facts.decision is not None
    meddles = bool(champion.evidence and champion.evidence.meddles and facts.decision.uncertain)
    first: list[str] = [_not_ready(facts)] if facts.decision.outcome is Outcome.DRAFT else []
    first += facts.decision.uncertain[:1] if meddles else ()
    first += [moved] if moved else []
    if facts.decision.chosen_by:
        first += _of_one_that_people_chose(facts.decision, champion.evidence or Evidence(champion.id))
    return [*first, *facts.decision.uncertain[meddles:]]


def _not_ready(facts: SolveFacts) -> str:
    never = facts.task is not None and facts.task.config.pull_request.draft is Draft.NEVER
    return NOT_ENOUGH if never else f"This is a draft. {NOT_ENOUGH}"


def _of_one_that_people_chose(decision: Decision, evidence: Evidence) -> list[str]:
    """What was said against the champion before says nothing about this one."""
    said = [f"{decision.chosen_by} chose it, and everything that was run led to another candidate."]
    if evidence.regressions:
        said.append(f"It breaks {len(evidence.regressions)} of {how_many(evidence.stable_total, 'stable ')}.")
    if reproduction(evidence) > Reproduction.TESTS:
        said.append("Nothing that was run shows the problem before the change and its absence after it.")
    return said
