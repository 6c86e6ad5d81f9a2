"""The pull request: branch, commit message, title, body. Generated from stored facts, never by a model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from bot.core.model import (
    ChangeKind,
    Decision,
    Evidence,
    FileChange,
    Minimal,
    Person,
    RunFacts,
    SolveFacts,
    SolveId,
    TriggerKind,
)
from bot.core.render.advice import by_people, compared
from bot.core.render.approval import approved_by
from bot.core.render.behaviour import beside_the_runner_up
from bot.core.render.checks import since_then
from bot.core.render.environment import offer
from bot.core.render.evidence import attempts_made, baseline_sentence, others, receipt, scoreboard
from bot.core.render.page_links import NO_PAGES, PageLinks
from bot.core.render.reproduce import reproduce
from bot.core.render.revision import revisions_section
from bot.core.render.summary import UNCERTAIN, all_doubts, three_lines
from bot.core.render.text import code, count, details, dollars, fitted, harmless, listed, unmarked
from bot.core.text.outgoing import Clean, CleanFacts


def pull_marker(solve: SolveId) -> str:
    return f"<!-- solvebot pull={solve} -->"


def branch_name(template: str, issue: int, title: Clean) -> str:
    """`solvebot/{issue}-{slug}`: the slug is at most five plain words of the title."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)[:5]
    slug = "-".join(words)[:40].strip("-") or "fix"
    return template.replace("{issue}", str(issue)).replace("{slug}", slug)


def branch_pattern(template: str, issue: int) -> re.Pattern[str]:
    """Every name that `branch_name` may have given for the issue, a number against collisions included."""
    parts = (re.escape(part) for part in template.replace("{issue}", str(issue)).split("{slug}"))
    return re.compile("[a-z0-9-]+".join(parts) + r"(-\d+)?")


def pull_title(facts: CleanFacts) -> str:
    """The issue's own title, on one line, saying that it is fixed."""
    return f"Fix: {_title(facts, 195)}"


def _title(facts: SolveFacts, limit: int) -> str:
    return unmarked(facts.solve.issue_title, limit) or f"issue {facts.solve.issue.number}"


def commit_message(facts: CleanFacts) -> str:
    """Subject, reference, and the requester as co-author; GitHub takes the trailers at the end.

    In a clone there is no issue to refer to, and the commit is the requester's own.
    """
    if facts.solve.trigger.kind is TriggerKind.COMMAND_LINE:
        return pull_title(facts)[:72]
    return "\n".join(
        [
            f"Fix: {_title(facts, 67)}",
            "",
            f"Fixes #{facts.solve.issue.number}",
            "",
            co_author(facts.solve.trigger.by),
        ]
    )


def exchange_message(facts: CleanFacts, run: RunFacts, by: Person) -> str:
    """Of the commit that puts another candidate into the place of the champion."""
    before = facts.champion.experiment.letter if facts.champion else "?"
    return f"Use candidate {run.experiment.letter} instead of {before}\n\n{co_author(by)}"


def pull_body(
    facts: CleanFacts,
    moved: Clean | None = None,
    *,
    branch: str,
    verified: bool,
    revisions: Sequence[CleanFacts] = (),
    links: PageLinks = NO_PAGES,
) -> str:
    """Three lines first. Then what was wrong, what changed, the evidence, the doubts, the receipt, how to steer.

    `branch` is the pull request's own. `moved`: a sentence about the base branch, where it went on while we worked.
    `verified`: GitHub's word on the signature of the commit. `revisions`: what people had changed since.
    `links`: to the page of the solve.
    """
    assert facts.decision is not None
    champion = facts.champion
    assert champion is not None
    parts = [
        three_lines(facts, champion, moved),
        revisions_section(revisions),
        since_then(facts.watch),
        _what_was_wrong(facts, champion),
        _what_changed(champion, facts.minimal),
        _why_this_one(facts, facts.decision),
        _runner_up(facts, facts.decision),
        _uncertain(all_doubts(facts, champion, moved)),
        _beside(facts),
        others(facts),
        reproduce(facts, champion, branch),
        offer(facts),
        details(f"Receipt: {dollars(facts.dollars)}", receipt(facts)),
        _how_to_steer(facts, verified, links),
    ]
    return fitted("\n\n".join(part for part in parts if part), pull_marker(facts.id))


LEFT_OUT = "Left out, because no other attempt needed it and everything that was run says the same without it:"


def _what_was_wrong(facts: SolveFacts, champion: RunFacts) -> str:
    """What was seen to fail before the change, and no longer does with it; "" where nothing was."""
    evidence = champion.evidence or Evidence(champion.id)
    seen = []
    if evidence.repro_flips and facts.baseline is not None and facts.baseline.repro:
        seen.append(f"- {code(facts.baseline.repro)} ended with exit code {evidence.repro_before}")
    pooled = [test.name for test in facts.pool if champion.id in test.passed_by]
    if failing := list(dict.fromkeys([*evidence.fixed, *pooled])):
        seen.append(f"- {count(len(failing), 'test')} failed: {listed(failing)}")
    elif evidence.own_tests_flip:
        seen.append(f"- the tests of this change failed: {listed(evidence.test_files)}")
    if not seen or facts.task is None:
        return ""
    base = f"{code(facts.task.base_branch)} at `{facts.task.base_sha[:10]}`"
    return f"### What was wrong\n\nOn {base}, and no longer with this change:\n\n" + "\n".join(seen)


def _what_changed(champion: RunFacts, minimal: Minimal | None) -> str:
    assert champion.candidate is not None
    verbs = {ChangeKind.ADDED: "new", ChangeKind.MODIFIED: "changed", ChangeKind.DELETED: "deleted"}
    lines = [
        f"- {code(change.path)} ({verbs[change.kind]}, {_extent(change)})" for change in champion.candidate.changes[:20]
    ]
    if len(champion.candidate.changes) > 20:
        lines.append(f"- and {len(champion.candidate.changes) - 20} more")
    if minimal is not None and minimal.candidate.run == champion.id:
        lines.append(f"- {LEFT_OUT} {listed(minimal.dropped, len(minimal.dropped))}")
    said = ""
    if champion.candidate.summary:
        said = "\n\nThe model's own words, which are not evidence:\n\n" + _quoted(champion.candidate.summary)
    return "### What changed\n\n" + "\n".join(lines) + said


def _extent(change: FileChange) -> str:
    """Nobody looks at a file of no lines in a diff, so it is said."""
    if change.kind is ChangeKind.ADDED and change.size == 0:
        return "empty"
    return f"+{change.added} −{change.removed}"


def _why_this_one(facts: SolveFacts, decision: Decision) -> str:
    reasons = "\n".join(f"- {harmless(reason)}" for reason in (*by_people(facts), *decision.reasons, *compared(facts)))
    head = f"### Why this patch, of {attempts_made(facts)}"
    others = "\n".join(f"- {harmless(reason)}" for reason in decision.others)
    parts = [head, reasons, scoreboard(facts), details("Why not the others", others) if others else ""]
    if facts.baseline is not None:
        parts.append(baseline_sentence(facts.baseline))
    return "\n\n".join(part for part in parts if part)


def _runner_up(facts: SolveFacts, decision: Decision) -> str:
    run = facts.run(decision.runner_up)
    if run is None or run.candidate is None:
        return ""
    paths = listed([change.path for change in run.candidate.changes])
    size = count(run.candidate.lines_changed, "line")
    said = f"**Runner-up:** candidate {run.experiment.letter} ({code(run.experiment.model.name)}), {size} in {paths}."
    differ = beside_the_runner_up(facts)
    return f"{said} With the same input the two differ:\n\n{differ}" if differ else said


def _beside(facts: SolveFacts) -> str:
    """Other pull requests of ours that change the same files."""
    lines = [f"- #{each.pull} changes {listed(each.paths)}, too" for each in facts.overlaps]
    after = "\n\nWhen one of them is merged, look at the others again."
    return "### Beside this one\n\n" + "\n".join(lines) + after if lines else ""


def _uncertain(doubts: Sequence[str]) -> str:
    return f"### {UNCERTAIN}\n\n" + "\n".join(f"- {harmless(doubt)}" for doubt in doubts) if doubts else ""


def _how_to_steer(facts: SolveFacts, verified: bool, links: PageLinks) -> str:
    seen = f" Every step of it: {link}." if (link := links.of(facts.id)) else ""
    asker = harmless(facts.solve.trigger.by.login)
    approved = f", {said}" if (said := approved_by(facts)) else ""
    signed = "verified" if verified else "not verified"
    return (
        f"<sub>Asked for by {asker}{approved}; GitHub calls the commit {signed}. "
        "`/solve explain` shows the whole decision, `/solve use B` puts another candidate here, `/solve revise` and "
        "what to change, in a comment, a review or on a line, changes it, and on the issue `/solve retry` tries again "
        "after this pull request is closed. "
        f"People review; the robot does not merge.{seen}</sub>"
    )


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in harmless(text, 1500).splitlines())


def signed_off(message: str, author: str, by: Person) -> str:
    """With the lines of the Developer Certificate of Origin: of whom the commit is by, and of the person who asked.

    `author`: as the commit names it, which is what checks compare with. In a clone both are the same.
    """
    people = [author, *([_identity(by)] if by.id else [])]
    return "\n".join([message, *(f"Signed-off-by: {one}" for one in dict.fromkeys(people) if one)])


def co_author(person: Person) -> str:
    return f"Co-authored-by: {_identity(person)}"


def _identity(person: Person) -> str:
    """GitHub credits the address built from id and login:
    https://docs.github.com/en/account-and-profile/reference/email-addresses-reference
    """
    return f"{person.login} <{person.id}+{person.login}@users.noreply.github.com>"
