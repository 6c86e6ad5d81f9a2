"""What a revision says: its status comment, its line in the pull request, a reply in each thread, its commit."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.candidate.hunks import Hunk, hunks_of
from bot.core.model import Evidence, Outcome, RunFacts, Sha, SolveFacts, SolveId, Status, TriggerKind
from bot.core.render.checks import failing, what_ci_showed
from bot.core.render.evidence import attempts_made, own_tests
from bot.core.render.text import code, count, dollars, fitted, harmless
from bot.core.solve_status import Phase
from bot.core.text.outgoing import Clean, CleanFacts
from bot.core.trigger.feedback import Thread
from bot.core.trigger.revising import is_made_anew, is_repair, last_word

NEAR = 3  # lines: what is changed so close to a line is an answer about it


def thread_marker(revision: SolveId, comment: int) -> str:
    return f"<!-- solvebot revision={revision} thread={comment} -->"


def headline(facts: SolveFacts, now: Phase) -> str | None:
    """Of the status comment, where it differs from a solve's."""
    match now:
        case Phase.ACCEPTED if is_repair(facts.solve):
            return "🔎 A check fails on my commit that did not fail before. Reading its log."
        case Phase.ACCEPTED if is_made_anew(facts.solve):
            return "🔎 The base branch has moved on and conflicts with this change. Making the change anew on it."
        case Phase.ACCEPTED:
            return f"🔎 On it, **{harmless(facts.solve.trigger.by.login)}**. Reading the review."
        case Phase.PREPARING:
            return "🔧 Setting the branch up and running its tests as they are, before anything is changed."
        case Phase.PUBLISHING:
            return "📦 A change is chosen. Putting it on top of the branch."
        case Phase.PUBLISHED:
            champion = f"candidate **{_letter(facts)}**, chosen from {attempts_made(facts)}"
            return f"✅ Pushed {commit_of(facts)} with {champion}. {what_was_run(facts.champion)}"
        case Phase.NO_CHAMPION:
            return f"🤷 Nothing was pushed: no candidate can be trusted.{_shown_by_ci(facts)}"
        case Phase.FAILED if _shown_by_ci(facts):
            return f"⚠️ This did not work. {harmless(facts.error)}{_shown_by_ci(facts)}"
    return None


def _shown_by_ci(facts: SolveFacts) -> str:
    """Of a repair that did not help."""
    checks = facts.task.feedback.checks if facts.task is not None and facts.task.feedback is not None else ()
    return f" {harmless(what_ci_showed(checks), 600)}" if checks and not facts.incident else ""


def pushed(facts: SolveFacts) -> Sha | None:
    """The commit that the revision put on the branch."""
    return facts.pull_request.head_sha if facts.pull_request is not None else None


def commit_of(facts: SolveFacts) -> str:
    return (pushed(facts) or "")[:10]


def what_was_run(run: RunFacts | None) -> str:
    """One sentence about the evidence."""
    evidence = run.evidence if run is not None else None
    if evidence is None:
        return "Nothing could be run on it."
    own = f"its own tests before and after: {own_tests(evidence)}" if evidence.test_files else ""
    parts = [part for part in (_kept(evidence), own) if part]
    sentence = "; ".join(parts) or "no tests could be run on it"
    return f"{sentence[0].upper()}{sentence[1:]}."


def _kept(evidence: Evidence) -> str:
    total, passed = evidence.stable_total, evidence.stable_passed
    if not total:
        return ""
    if passed < total:
        return f"{passed} of {total} tests that always passed before still pass"
    kept = f"all {total} tests that always passed before still pass"
    return kept if total > 1 else "what always passed before still passes"


def _letter(facts: SolveFacts) -> str:
    return facts.champion.experiment.letter if facts.champion else "?"


# ------------------------------------------------------------------------------------------------------ threads


def thread_answer(thread: Thread, facts: CleanFacts, why_not: Clean | None = None) -> str:
    """What was done about it, or why not, in two sentences that follow from the commit's hunks.

    `why_not`: what kept a change from being pushed.
    """
    marker = thread_marker(facts.id, thread.first)
    sha = commit_of(facts)
    if not sha:
        return fitted(f"Nothing was changed. {harmless(why_not, 300) if why_not else _NOBODY}", marker)
    hunks = _hunks(thread, facts)
    said = last_word(thread)
    whose = f", by the last word of {harmless(said.author)}" if said is not None else ""
    if not hunks:
        done = f"{sha} changes nothing in {code(thread.path)}."
        return fitted(f"{done} Say `/solve revise` and what to change in this thread to ask for it alone.", marker)
    if is_answered(thread, facts):
        done = f"Changed in {sha}{whose}."
    else:
        places = ", ".join(str(hunk.line) for hunk in hunks[:5])
        done = f"{sha} changes {code(thread.path)}{whose}, at line {places}."
    return fitted(f"{done} {what_was_run(facts.champion)}", marker)


_NOBODY = "No candidate could be trusted; the status comment says what stood against each."


def is_answered(thread: Thread, facts: SolveFacts) -> bool:
    """The commit changes its line, or one near it."""
    return pushed(facts) is not None and any(_is_near(hunk, thread.line) for hunk in _hunks(thread, facts))


def _is_near(hunk: Hunk, line: int | None) -> bool:
    if line is None:
        return False
    return hunk.is_whole_file or any(abs(each - line) <= NEAR for each in hunk.old_lines)


def _hunks(thread: Thread, facts: SolveFacts) -> list[Hunk]:
    run = facts.champion
    patch = run.candidate.patch if run is not None and run.candidate is not None else ""
    return [hunk for hunk in hunks_of(patch) if hunk.path == thread.path]


# ------------------------------------------------------------------------------------------- the pull request


def revisions_section(revisions: Sequence[CleanFacts]) -> str:
    """A line for each that is over; "" where there are none."""
    lines = [_line(revision) for revision in revisions if revision.status.is_over or pushed(revision)]
    return "### Revisions\n\n" + "\n".join(lines) if lines else ""


def _line(facts: SolveFacts) -> str:
    asked = _asked_for(facts)
    cost = dollars(facts.dollars)
    sha = commit_of(facts)
    if not sha:
        return f"- nothing pushed, {asked}: {_outcome(facts)} ({cost})"
    threads = len(facts.task.feedback.threads) if facts.task and facts.task.feedback else 0
    about = f", {count(threads, 'thread')}" if threads else ""
    chosen = f"candidate {_letter(facts)} of {attempts_made(facts)}"
    notes = "".join(f" {harmless(note, 300)}" for note in facts.notes)
    return f"- {sha}, {asked}{about}: {chosen} ({cost}). {what_was_run(facts.champion)}{notes}"


def _asked_for(facts: SolveFacts) -> str:
    if is_made_anew(facts.solve):
        base = f" on {code(facts.task.base_branch)}" if facts.task is not None else ""
        return f"made anew{base}, asked for by {harmless(facts.solve.trigger.by.login)}"
    if not is_repair(facts.solve):
        return f"asked for by {harmless(facts.solve.trigger.by.login)}"
    checks = facts.task.feedback.checks if facts.task is not None and facts.task.feedback is not None else ()
    return f"a repair of {failing(checks)}" if checks else "a repair"


def _outcome(facts: SolveFacts) -> str:
    if facts.status is Status.CANCELLED:
        return "cancelled"
    undecided = facts.decision is None or facts.decision.outcome is not Outcome.NONE
    return "it did not work" if undecided else "no candidate could be trusted"


def revision_message(facts: CleanFacts, co_author: str) -> str:
    """Of its commit. A repair is nobody's wish but ours."""
    if is_repair(facts.solve):
        return f"Repair the checks of #{facts.solve.issue.number}"
    if is_made_anew(facts.solve):
        return f"Make the change of #{facts.solve.issue.number} anew on its base branch\n\n{co_author}"
    about = "review" if facts.solve.trigger.kind in (TriggerKind.REVIEW, TriggerKind.THREAD) else "comment"
    return f"Answer the {about} of #{facts.solve.issue.number}\n\n{co_author}"
