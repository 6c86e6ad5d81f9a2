"""Answers to commands and refusals: one comment, a reason, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.exchange import Barred, No, usable
from bot.core.model import ModelSpec, Permission, PullRequest, Status
from bot.core.outgoing import Clean, CleanFacts
from bot.core.phase import Phase, phase
from bot.core.render.advice import by_people, compared
from bot.core.render.evidence import findings, others, receipt, run_state, scoreboard
from bot.core.render.pooled import how_sure
from bot.core.render.text import code, details, dollars, fitted, harmless, listed
from bot.core.words import objection

SHOWN_MODELS = 100  # of whose names a comment has room for all


def reply_marker(delivery: str, part: int = 0) -> str:
    return f"<!-- solvebot reply={delivery}/{part} -->"


def reply(body: Clean, marker: str) -> str:
    return fitted(body, marker)


# ---------------------------------------------------------------------------------------------------------- refusals


def not_allowed(login: Clean, has: Permission, needed: Permission) -> str:
    return (
        f"Sorry {harmless(login)}, starting a solve here needs the permission **{needed}**, and you have **{has}**. "
        f"Someone with {needed} can ask for you."
    )


def permission_unknown(login: Clean) -> str:
    return (
        f"I could not find out what {harmless(login)} may do here, so the answer is no. "
        "To whoever runs this bot: the log says which permission the App lacks."
    )


def robots_may_not_ask() -> str:
    return "Only people can start a solve."


def unreadable(delivery: str) -> str:
    return (
        "GitHub told me that you asked for something, in a form that I cannot read, so I started nothing. "
        f"Say `/solve` in a new comment. To whoever runs this bot: the log has it as delivery {code(delivery)}."
    )


def issue_closed() -> str:
    return "This issue is closed. Reopen it, then ask again."


def issue_locked() -> str:
    return "This issue is locked. Unlock it, then ask again."


def not_an_issue() -> str:
    return "I solve issues, not pull requests. Ask on the issue."


def repository_archived() -> str:
    return "This repository is archived, so there is nothing that I could change."


def repository_empty() -> str:
    return "This repository has no commit yet. Push one, then ask again."


def no_such_base(base: Clean) -> str:
    return f"There is no branch {code(base)} to start from. Name one that exists with `base=`."


def pull_request_open(pull: PullRequest) -> str:
    return f"#{pull.number} is already open for this issue. Close it if you want another attempt, then `/solve retry`."


def already_running(facts: CleanFacts) -> str:
    return (
        f"I am already working on this issue ({phase(facts).value}); the comment above shows how far. "
        "`/solve cancel` stops it."
    )


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
        case No.ALREADY:
            return "The pull request holds that candidate already."
        case No.UNKNOWN:
            letters = [run.experiment.letter for run in usable(facts)] if facts else []
            others = f"There are {listed(letters)}." if letters else "No other candidate brought a patch."
            return f"There is no candidate {number} with a patch. {others}"


def pull_request_not_open(number: int) -> str:
    return f"#{number} is no longer open, so I left it as it is. `/solve retry` tries again."


def commits_of_people(pull: PullRequest) -> str:
    return (
        f"{code(pull.branch)} holds commits that are not mine, and I do not change people's work. "
        "Close the pull request and `/solve retry`, or take the patch from `/solve explain`."
    )


def not_exchanged(remedy: Clean) -> str:
    return f"The pull request stays as it is: GitHub did not let me change it. {remedy}".rstrip()


def not_understood(problems: Sequence[tuple[Clean, Clean]]) -> str:
    """(what was wrong, what to do), all of one comment together."""
    lines = [f"- {what} {remedy}" for what, remedy in problems]
    opening = "I did not understand that, and started nothing:" if len(lines) > 1 else "I started nothing:"
    return "\n".join([opening, "", *lines, "", "`/solve help` shows what I understand."])


def config_problems(path: str, problems: Sequence[tuple[int, Clean]]) -> str:
    """(line, reason) of everything wrong in the repository's configuration."""
    lines = [f"- line {line}: {harmless(reason, 300)}" for line, reason in problems]
    return "\n".join([f"{code(path)} on the default branch has mistakes, so I started nothing:", "", *lines])


# ----------------------------------------------------------------------------------------------------------- answers


def help_text(models: Sequence[ModelSpec], labels: Sequence[Clean]) -> str:
    names = listed([model.name for model in models], SHOWN_MODELS) or "none yet; the operator adds them"
    return "\n".join(
        [
            "**What I understand**, one command per line, at the start of the line:",
            "",
            "| command | what it does |",
            "|---|---|",
            "| `/solve` | solve this issue with the repository's default line-up |",
            "| `/solve model=a,b attempts=4` | with these models, that many attempts (1 to 8) |",
            "| `/solve status` | how far the solve is |",
            "| `/solve cancel` | stop it; the sandboxes go |",
            "| `/solve retry` | try again, with the same options or with new ones |",
            "| `/solve explain` | the whole decision, candidate by candidate |",
            "| `/solve use B` | put candidate B into the open pull request, by one commit on top |",
            "| `/solve help` | this text |",
            "",
            "Options of `/solve` and `/solve retry`: `model=` names, `attempts=` number, `temperature=` 0 to 2, "
            "`strategy=` baseline, test-first, minimal, `budget=` dollars, `time=` 30m, `base=` branch, "
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


def cancelled_reply() -> str:
    return "Cancelled. The status comment says what was done until then."


def explanation(facts: CleanFacts) -> str:
    """Everything that the decision was made from."""
    if facts.decision is None:
        if phase(facts) in (Phase.FAILED, Phase.CANCELLED) or facts.status is Status.FAILED:
            return "That solve ended before a decision was made; the status comment says why."
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
    return f"Something broke on our side ({incident}). Nothing of it is your fault; `/solve retry` may work."
