"""The check run of our own on the last commit that we pushed: the evidence in one line, and buttons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.core.choosing.phrases import how_many
from bot.core.choosing.use_candidate import usable
from bot.core.evidence.observations import Reproduction, reproduction
from bot.core.model import Evidence, Outcome, RunFacts, Sha, SolveFacts, Status
from bot.core.render.page_links import NO_PAGES, PageLinks
from bot.core.render.revision import pushed, what_was_run
from bot.core.render.summary import three_lines
from bot.core.render.text import harmless
from bot.core.text.outgoing import CleanFacts
from bot.core.trigger.own_check import Button, Conclusion, OwnCheck, Wanted, use_button

MERGED = "the base branch was merged in; nothing was run since"
_SUMMARY = 20_000  # characters, of 65,535 that GitHub takes
REVISE = Button("Revise", "Answer the review threads that are open", Wanted.REVISE)
RETRY = Button("Retry", "Try the last revision once more", Wanted.RETRY)


@dataclass(frozen=True, slots=True)
class Tip:
    """The last commit that we pushed to the pull request. `shown`: whose evidence is about it; None: nobody's."""

    sha: Sha
    shown: CleanFacts | None


def tip_of(facts: CleanFacts, revisions: Sequence[CleanFacts]) -> Tip | None:
    """None: no pull request is there. `revisions`: oldest first."""
    if facts.pull_request is None or not facts.pull_request.number:
        return None
    last = next((each for each in reversed(revisions) if pushed(each)), facts)
    sha = pushed(last) or facts.pull_request.head_sha
    watch = facts.watch
    if watch.head is None or watch.updated_at is None:
        return Tip(sha, last)
    if last.completed_at is not None and last.completed_at > watch.updated_at:
        return Tip(sha, last)
    return Tip(watch.head, None)


def own_check(facts: CleanFacts, revisions: Sequence[CleanFacts], tip: Tip, links: PageLinks = NO_PAGES) -> OwnCheck:
    """`facts`: of the solve that opened the pull request."""
    shown, buttons = tip.shown, buttons_of(facts, revisions)
    run = shown.champion if shown is not None else None
    steer = "\n".join(f"- **{button.label}**: {button.description}" for button in buttons)
    if shown is None or run is None:
        return OwnCheck(
            facts.id, MERGED, f"{_sentence(MERGED)}\n\n{steer}", Conclusion.NEUTRAL, buttons, links.url(facts.id)
        )
    ready = shown.decision is not None and shown.decision.outcome is Outcome.READY and not shown.decision.chosen_by
    conclusion = Conclusion.SUCCESS if ready else Conclusion.NEUTRAL
    said = three_lines(shown, run, None) if shown.solve.revises is None else what_was_run(run)
    summary = f"{said[:_SUMMARY]}\n\n{steer}"
    return OwnCheck(facts.id, title_of(shown, run), summary, conclusion, buttons, links.url(shown.id))


def title_of(facts: SolveFacts, run: RunFacts) -> str:
    """445 tests kept, own tests red to green, confidence 0.8"""
    return ", ".join(_title(facts, run.evidence or Evidence(run.id)))


def _title(facts: SolveFacts, evidence: Evidence) -> Iterator[str]:
    total, kept = evidence.stable_total, evidence.stable_passed
    if total:
        yield f"{how_many(total)} kept" if kept == total else f"{kept} of {how_many(total)} kept"
    else:
        yield "no tests to keep"
    match reproduction(evidence):
        case Reproduction.COMMAND | Reproduction.COMMAND_AND_TESTS:
            yield "reproduction red to green"
        case Reproduction.TESTS:
            yield "own tests red to green" if evidence.own_tests_flip else "failing tests red to green"
        case Reproduction.STILL_FAILS:
            yield "reproduction still fails"
    if facts.decision is not None and facts.decision.confidence:
        yield f"confidence {facts.decision.confidence:.1f}"


def buttons_of(facts: SolveFacts, revisions: Sequence[SolveFacts]) -> tuple[Button, ...]:
    """At most three. Retry: where the last revision came to nothing. Use: while what is there is what was chosen."""
    last = revisions[-1] if revisions else None
    failed = last is not None and last.status.is_over and last.status is not Status.CANCELLED and not pushed(last)
    found = [RETRY] if failed else []
    if facts.watch.head is None and not any(pushed(each) for each in revisions):
        found += [_use(run) for run in _best(facts)]
    return (*found, REVISE)


def _best(facts: SolveFacts) -> list[RunFacts]:
    """The runner-up, else the first that could be used."""
    runs = usable(facts)
    second = facts.decision.runner_up if facts.decision is not None else None
    return sorted(runs, key=lambda run: run.id != second)[:1]


def _use(run: RunFacts) -> Button:
    letter = run.experiment.letter
    return Button(f"Use {letter}", f"Put candidate {letter} in its place", use_button(run.experiment.index))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def nothing_to_revise(number: int) -> str:
    return f"No thread on #{number} is open. Say what to change on a line, or as `/solve revise` and the words."


def nothing_to_retry(number: int) -> str:
    return f"The last revision of #{number} is there, so there is nothing to try once more."


def not_open(number: int) -> str:
    return f"#{number} is no longer open, so I left it as it is. `/solve retry` on the issue tries again."


def pressed(login: str, label: str) -> str:
    """Where a button is refused, nobody has written what the answer is about."""
    return f"{harmless(login)} pressed {label}."
