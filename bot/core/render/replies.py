"""Answers to commands and refusals: one comment, a reason, and what to do.

`site` is where people read GitHub, for links that also work in a mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.core.choosing.experiments import ServerLimits
from bot.core.choosing.phrases import objection
from bot.core.choosing.use_candidate import Barred, No, usable
from bot.core.model import MAX_ATTEMPTS, Limits, ModelSpec, Permission, PullRequest, Status, letter
from bot.core.render.advice import by_people, compared
from bot.core.render.approval import use_approve_instead
from bot.core.render.candidate_matrix import how_sure
from bot.core.render.evidence import findings, others, receipt, run_state, scoreboard
from bot.core.render.text import code, count, details, dollars, fitted, harmless, listed
from bot.core.solve_status import Phase, phase
from bot.core.text.outgoing import Clean, CleanFacts
from bot.core.trigger import revising
from bot.core.trigger.budgets import OverBudget, Whose
from bot.core.trigger.commands import Misread
from bot.core.trigger.options import MAX_DOLLARS, MAX_MINUTES, Bound

SHOWN_MODELS = 100  # of whose names a comment has room for all
LEAST_SUGGESTED = 0.10  # dollars; what is less is no budget to suggest
GITHUB = "https://github.com"
ANY_SERVER = ServerLimits(Limits(), ())  # with the limits that come with it


def reply_marker(delivery: str, part: int = 0) -> str:
    return f"<!-- solvebot reply={delivery}/{part} -->"


def reply(body: Clean, marker: str) -> str:
    return fitted(body, marker)


# ---------------------------------------------------------------------------------------------------------- refusals


def not_allowed(login: Clean, has: Permission, needed: Permission) -> str:
    return (
        f"Sorry {harmless(login)}, that needs the permission **{needed}** here, and you have **{has}**. "
        f"Someone with {needed} can ask for you."
    )


def permission_unknown(login: Clean) -> str:
    return (
        f"I could not check {_whose(login)} permission, so I started nothing; try again in a minute. "
        "Where that does not help, whoever runs this bot finds the reason in its log (`permission.unknown`)."
    )


def _whose(login: Clean) -> str:
    """ann's, james'"""
    return harmless(login) + ("'" if login.endswith("s") else "'s")


def robots_may_not_ask() -> str:
    return "Only people can start a solve."


def unreadable(delivery: str) -> str:
    return (
        "GitHub told me that you asked for something, in a form that I cannot read, so I started nothing. "
        f"Say `/solve` in a new comment. To whoever runs this bot: the log has it as delivery {code(delivery)}."
    )


def no_such_issue() -> str:
    return "there is no such issue here."


def no_milestone() -> str:
    return "This issue is in no milestone. Put it into one, or name the issues: `/solve #12 #14`."


def nothing_open_in_milestone() -> str:
    return "No issue of this milestone is open."


def issue_closed() -> str:
    return "This issue is closed. Reopen it, then ask again."


def issue_locked() -> str:
    return "This issue is locked. Unlock it, then ask again."


def not_an_issue() -> str:
    return (
        "I solve issues, not pull requests. Ask on the issue; a pull request of mine is changed by `/solve revise` "
        "and what to change."
    )


def not_our_pull() -> str:
    return "I change only pull requests that I opened. `/solve revise` belongs into a comment or review there."


def not_revised(number: int, why: revising.No) -> str:
    """Why there is no further revision."""
    match why:
        case revising.No.NOT_OURS:
            return not_our_pull()
        case revising.No.TOO_MANY:
            return f"#{number} was revised {revising.MOST_REVISIONS} times, which is the most. The branch is yours."
        case revising.No.TOO_DEAR:
            return (
                f"#{number} and its revisions have cost {revising.BUDGETS} times what one solve may cost here, "
                "so I stop. The branch is yours."
            )


def only_revise() -> str:
    return "In a review and on a line I understand `/solve revise` alone. Say the rest in a comment below."


def repository_archived() -> str:
    return "This repository is archived, so there is nothing that I could change."


def repository_empty() -> str:
    return "This repository has no commit yet. Push one, then ask again."


def no_such_base(base: Clean) -> str:
    return f"There is no branch {code(base)} to start from. Name one that exists with `base=`."


def pull_request_open(pull: PullRequest) -> str:
    return f"#{pull.number} is already open for this issue. Close it if you want another attempt, then `/solve retry`."


def already_running(facts: CleanFacts, site: str = GITHUB) -> str:
    comment = status_link(facts, site, "the status comment")
    what = "issue" if facts.solve.revises is None else "pull request"
    how_far = f"I am already working on this {what} ({phase(facts).value}); {comment} shows how far."
    then = "" if facts.solve.revises is None else " Once it is over, `/solve revise` takes up what is open then."
    return f"{how_far} `/solve cancel` stops it.{then}"


def status_link(facts: CleanFacts, site: str, words: str) -> str:
    """Our words as a link to the status comment, where that is posted."""
    if facts.comment_id is None:
        return words
    issue = facts.solve.issue
    where = f"{site.rstrip('/')}/{issue.repo.name}/issues/{issue.number}#issuecomment-{facts.comment_id}"
    return f"[{words}]({where})"


def day_is_full(most: int, free_at: datetime) -> str:
    return (
        f"In this repository at most {count(most, 'solve')} may begin in 24 hours, and that many have. "
        f"The next one may at {free_at:%H:%M} UTC on {free_at.day} {free_at:%B}."
    )


def over_budget(over: OverBudget) -> str:
    """What it would cost, what is left, and when there is room again."""
    budget = over.spent.budget
    may = f"that {_SPENDER[budget.whose]} may spend in a {budget.period.value}"
    asked, all_ = f"${over.asked:.2f}", f"${budget.dollars:.2f}"
    if over.asked > budget.dollars:
        return f"That may cost {asked}, and the whole {may} is {all_}, so waiting does not help."
    cents = _cents(over.spent.left)
    left, rest = (f"${cents / 100:.2f} is", "the rest") if cents else ("nothing is", "it")
    when = f"{over.free_at.day} {over.free_at:%B %Y, %H:%M} UTC"
    return (
        f"That may cost {asked}, and of the {all_} {may}, {left} left; {rest} is spent, or set aside for solves that "
        f"are going on. There is room again on {when}, or earlier, when those cost less."
    )


def budget_that_fits(over: OverBudget) -> str:
    """To stand behind that, where who asks can name a budget."""
    cents = _cents(over.spent.left)
    return f" `/solve budget={cents / 100:.2f}` fits in now." if cents >= LEAST_SUGGESTED * 100 else ""


_SPENDER = {Whose.INSTANCE: "this server", Whose.REPOSITORY: "this repository", Whose.PERSON: "one person"}


def _cents(dollars: float) -> int:
    """Rounded down: what is named has to fit."""
    return int(dollars * 100 + 1e-6)


def nothing_to_retry() -> str:
    return "There is no earlier solve of this issue to try again. `/solve` starts the first."


def not_usable(facts: CleanFacts | None, number: int, why: Barred | No) -> str:
    """Why `/solve use` changes nothing."""
    match why:
        case Barred(run, failure):
            return f"{run.experiment.letter} cannot be published, whoever asks: it {objection(failure)}."
        case No.NO_PULL_REQUEST:
            return "There is no pull request of mine for this issue, so there is nothing to put a candidate into."
        case No.UNDER_WAY:
            return "I am still working on this issue. Ask again when the pull request is open."
        case No.WAITING:
            return use_approve_instead(number)
        case No.ALREADY:
            return "The pull request holds that candidate already."
        case No.UNKNOWN:
            letters = [run.experiment.letter for run in usable(facts)] if facts else []
            others = (
                f"You can use {listed(letters, len(letters))}." if letters else "No other candidate brought a patch."
            )
            return f"There is no candidate {letter(number)} with a patch. {others}"


def pull_request_not_open(number: int) -> str:
    return f"#{number} is no longer open, so I left it as it is. `/solve retry` tries again."


def commits_of_people(pull: PullRequest) -> str:
    return (
        f"{code(pull.branch)} holds commits that are not mine, and I do not change people's work. "
        "Close the pull request and `/solve retry`, or take the patch from `/solve explain`."
    )


def revised_since(number: int) -> str:
    return f"#{number} was revised since, and another candidate would undo that. `/solve revise` changes it further."


def updated_since(number: int) -> str:
    return (
        f"The base branch was merged into #{number} since, and another candidate would take that out again. "
        "`/solve revise` changes it further."
    )


def not_exchanged(remedy: Clean) -> str:
    return f"The pull request stays as it is: GitHub did not let me change it. {remedy}".rstrip()


def not_understood(problems: Sequence[tuple[Clean, Clean]]) -> str:
    """(what was wrong, what to do), all of one comment together."""
    lines = [f"- {what} {remedy}" for what, remedy in problems]
    opening = "I did not understand that, and started nothing:" if len(lines) > 1 else "I started nothing:"
    return "\n".join([opening, "", *lines, "", "`/solve help` shows what I understand."])


def what_to_do(misread: Misread, server: ServerLimits) -> str:
    """Its remedy, with the range that this server allows."""
    match misread.bound:
        case Bound.ATTEMPTS if _most_attempts(server) == 1:
            return "This server allows one attempt: `attempts=1`."
        case Bound.ATTEMPTS:
            return f"Use `attempts=` with 1 to {_most_attempts(server)}."
        case Bound.DOLLARS:
            most = _most_dollars(server)
            return f"Use US dollars, more than 0 and at most {most}, as in `budget={most}`."
        case Bound.MINUTES:
            most = _most_time(server)
            return f"Use from `1m` to `{most}`, with the unit, as in `time={most}`."
        case None:
            return misread.remedy


def _most_attempts(server: ServerLimits) -> int:
    return min(server.max_attempts, MAX_ATTEMPTS)


def _most_dollars(server: ServerLimits) -> str:
    return f"{min(server.limits.dollars, MAX_DOLLARS):.2f}".removesuffix(".00")


def _most_time(server: ServerLimits) -> str:
    """30m, 24h"""
    minutes = max(1, int(min(server.limits.minutes, MAX_MINUTES)))
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def config_problems(path: str, problems: Sequence[tuple[int, Clean]]) -> str:
    """(line, reason) of everything wrong in the repository's configuration."""
    lines = [f"- line {line}: {harmless(reason, 300)}" for line, reason in problems]
    return "\n".join([f"{code(path)} on the default branch has mistakes, so I started nothing:", "", *lines])


# ----------------------------------------------------------------------------------------------------------- answers


def help_text(models: Sequence[ModelSpec], labels: Sequence[Clean], server: ServerLimits = ANY_SERVER) -> str:
    most = _most_attempts(server)
    names = listed([model.name for model in models], SHOWN_MODELS) or "none yet; the operator adds them"
    return "\n".join(
        [
            "**What I understand**, one command per line, at the start of the line:",
            "",
            "| command | what it does |",
            "|---|---|",
            "| `/solve` | solve this issue with the repository's default line-up |",
            f"| `/solve model=a,b attempts={min(most, 4)}` | with these models, that many attempts (1 to {most}) |",
            "| `/solve #12 #14` | these issues, one solve each, told of in one table; `budget=` is for all of them |",
            "| `/solve milestone` | each open issue of the milestone that this one is in, in one table |",
            "| `/solve status` | how far the solve is |",
            "| `/solve cancel` | stop it; the sandboxes go |",
            "| `/solve retry` | try again, with the same options or with new ones; "
            "where only the publication failed, only that |",
            "| `/solve explain` | the whole decision, candidate by candidate |",
            "| `/solve why src/a.py:12` | which step of the run changed that file or line, and what was run after |",
            "| `/solve use B` | put candidate B into the open pull request, by one commit on top |",
            "| `/solve approve` | where that waits for approval, publish the champion; with `B`, candidate B |",
            "| `/solve reject too large` | publish nothing, and say why |",
            "| `/solve revise use a constant` | on a pull request of mine, in a review or on a line: change that |",
            "| `/solve update` | on a pull request of mine: merge its base branch in; where that conflicts, make the "
            "change anew |",
            "| `/solve help` | this text |",
            "",
            "Options of `/solve` and `/solve retry`: `model=` names, `attempts=` number, `temperature=` 0 to 2, "
            f"`strategy=` baseline, test-first, minimal, `budget=` dollars, at most {_most_dollars(server)}, "
            f"`time=` of one attempt, at most {_most_time(server)}, `base=` branch, "
            '`repro="command"` that fails now and must pass, `draft`.',
            "",
            f"Models: {names}. Labels that start a solve: {listed(labels)}.",
        ]
    )


def publishing_again(facts: CleanFacts) -> str:
    letter = code(facts.champion.experiment.letter) if facts.champion else "a champion"
    return f"Candidate {letter} was chosen and could not be published, so I only try that again. It costs nothing."


def no_solve_yet() -> str:
    return "There is no solve of this issue yet. `/solve` starts one."


def nothing_to_cancel() -> str:
    return "Nothing is running for this issue, so there is nothing to cancel."


def status_reply(facts: CleanFacts) -> str:
    runs = ", ".join(f"{run.experiment.letter} {run_state(run)} ({run.steps} steps)" for run in facts.runs)
    where = f"The solve is at: **{phase(facts).value}**."
    if facts.pull_request is not None and facts.pull_request.number:
        where += f" See #{facts.pull_request.number}."
    spent = f" Spent so far: {dollars(facts.dollars)}." if facts.runs else ""
    return where + (f" {runs}." if runs else "") + spent


def cancelled_reply(facts: CleanFacts, site: str = GITHUB) -> str:
    return f"Cancelled. The status comment says {status_link(facts, site, 'what was done until then')}."


def explanation(facts: CleanFacts, site: str = GITHUB) -> str:
    """Everything that the decision was made from."""
    if facts.decision is None:
        if phase(facts) in (Phase.FAILED, Phase.CANCELLED) or facts.status is Status.FAILED:
            why = status_link(facts, site, "why")
            return f"That solve ended before a decision was made; the status comment says {why}."
        return "No decision has been made yet. `/solve status` says how far it is."
    decision = facts.decision
    parts = [f"**Outcome: {decision.outcome.value}** {how_sure(decision)}".rstrip(), scoreboard(facts)]
    if reasons := (*by_people(facts), *decision.reasons, *decision.others, *compared(facts)):
        parts.append("\n".join(f"- {harmless(reason)}" for reason in reasons))
    if decision.uncertain:
        parts.append("Uncertain:\n" + "\n".join(f"- {harmless(doubt)}" for doubt in decision.uncertain))
    if facts.champion is not None:
        parts.append(
            details(f"Candidate {facts.champion.experiment.letter}, the champion", findings(facts.champion, facts))
        )
    parts.append(others(facts))
    parts.append(details(f"Receipt: {dollars(facts.dollars)}", receipt(facts)))
    return "\n\n".join(part for part in parts if part)


def ours_broke(incident: str) -> str:
    """The user's side of an error on our side; the traceback is in the log under this id."""
    return (
        "Something broke on our side, so what you asked for may not have been done. Nothing of it is your fault; "
        f"please ask again in a minute. To whoever runs this bot: the log knows more under {code(incident)}."
    )
