"""Why something ended, is missing, or is in doubt: the sentences that the story stores, and that are shown later."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.core.candidate.restoring import Aspect, PutBack
from bot.core.choosing.approval import MAX_WHY, PATIENCE, Approval, Standing
from bot.core.choosing.early_stop import saved
from bot.core.choosing.phrases import enumerated, listing
from bot.core.model import Decision, ExitStatus, Experiment, RunFacts, RunId, Sha, SolveFacts
from bot.core.render.text import dollars
from bot.core.resilience.circuit_breaker import Outage
from bot.core.text.terminal_text import as_shown

# A solve
OURS = "Something broke on our side; nothing of it is your fault."
GAVE_UP = "This was interrupted too often to go on."
ISSUE_GONE = "the issue is gone"
ISSUE_CLOSED_UNSEEN = "the issue was closed"
PULL_CLOSED_UNSEEN = "the pull request was closed"
LABEL_GONE = "the label was removed"
REPOSITORY_ARCHIVED = "the repository was archived"
REPOSITORY_GONE = "the repository is gone, or the App may no longer see it"
SANDBOX_DIFFERS = (
    "The machine that I worked on went away, and on another one the same commands led to other files. Ask again."
)
SET_UP_DIFFERS = "The machine that I worked on went away, and on another one the set-up led to other files. Ask again."
BEGUN_ANEW = (
    "I was upgraded in the middle of this, and could not read all that I had written down before. So I began anew; "
    "attempts that were over are kept, and so is what was paid."
)


def not_approved(approval: Approval) -> str:
    """Behind "Cancelled: "."""
    if approval.standing is Standing.REJECTED:
        return f"{approval.by} rejected it" + (f": {quoted(approval.why, MAX_WHY)}" if approval.why else "")
    return f"nobody approved it within {PATIENCE.days} days"


# A run
SANDBOX_LOST = "Its sandbox was lost."
STORE_AWAY = "My own database did not answer for an hour."
HOST_BROKEN = "The machine that I run on has a fault, such as a full disk; whoever runs this bot finds it in the log."
NOT_TAKEN_OUT = "What it left behind could not be taken out of its sandbox and judged."
BROKE_OFF = {
    ExitStatus.MODEL: "The model gave no answer that could be used.",
    ExitStatus.SANDBOX: "Its sandbox did not work.",
}

SAID_INSTEAD = {
    ExitStatus.REFUSED: "The model refused",
    ExitStatus.FORMAT: "Three of its answers in a row could not be used",
}

# The environment
ANOTHER_COPY = (
    "The tests pass with the repository's own code broken, too: they load another copy of it. So none of them counts."
)
SCRIPT_NOT_TRIED = "Its script could not be tried."
LOOKED_IN_VAIN = (
    "No plan holds. An agent has looked for one lately and found none, so none looked this time; one does when the "
    "files that say how this is built have changed, or after a week."
)
AGENT_BROKE_OFF = "It had to stop: its model or its sandbox did not answer."

# Evidence
FORGED = "Its run reports success with a test file broken on purpose too, so nothing that it reports can be believed."
CANARY_UNNOTICED = "The tests do not always notice a broken test file here, on the base commit neither."
HALF_OBSERVED = "Its sandbox was lost, so not everything could be observed."
DOES_NOT_FIT = "Its files do not fit into the workspace that set-up left behind."
FLAKY_TESTS = "Its own tests do not give the same answer every time, so they prove nothing."
UNLOADABLE_TESTS = "Its own tests cannot be run as such on the base commit, so they do not show the problem there."


def provider_refused(said: str, remedy: str) -> str:
    """`said`: the provider's explanation, in its own words."""
    return f"The provider refused the request: {quoted(said)} {remedy}".rstrip()


def said_instead(status: ExitStatus, words: str) -> str:
    """`words`: the model's."""
    return f"{SAID_INSTEAD[status]}: {quoted(words)}" if words.strip() else f"{SAID_INSTEAD[status]}."


def quoted(said: str, most: int = 200) -> str:
    """Somebody's own words, as such: on one line, and no more of them than people read."""
    line = " ".join(said.split())
    return f"“{line if len(line) <= most else line[: most - 1].rstrip() + '…'}”"


def run_begun_anew(run: RunFacts) -> str:
    return (
        f"I was upgraded while attempt {run.experiment.letter} was at work, so it began anew; what it had cost counts."
    )


def not_wanted(why: str) -> str:
    return f"{why[:1].upper()}{why[1:]} meanwhile."


def run_begun_elsewhere(run: RunFacts) -> str:
    return (
        f"The machine of attempt {run.experiment.letter} went away, and on another one its work could not be repeated "
        "exactly, so it began anew; what it had cost counts."
    )


def service_away(outage: Outage) -> str:
    """With the date: a comment may be read days later."""
    since = f"{outage.since:%H:%M} UTC on {outage.since:%Y-%m-%d}"
    return (
        f"The service that lends us sandboxes has not answered since {since}. "
        "Nothing is lost: what needs one waits, and goes on by itself."
    )


def base_gone(base: str) -> str:
    return f"The branch {base}, into which it was to go, was deleted meanwhile. Restore it, then `/solve retry`."


def no_such_base(branch: str) -> str:
    return f"There is no branch {branch} to start from. Name one that exists with `base=`."


def may_no_longer_ask(login: str) -> str:
    return f"{login} may no longer ask for changes here."


def base_moved(branch: str, head: Sha, *, applies: bool) -> str:
    outcome = "; the patch still applies, untested there" if applies else ", and the patch no longer applies there"
    return f"{branch} moved on to {head[:10]} meanwhile{outcome}."


def gave_way(branch: str, why: str) -> str:
    """A revision that people were quicker than. Nothing of theirs is changed."""
    return f"{branch} has changed while I worked, so I gave way and pushed nothing: {why} `/solve revise` tries again."


PULL_CLOSED = "The pull request was closed meanwhile, so nothing was pushed."
BRANCH_GONE = "The branch was deleted meanwhile, so nothing was pushed."
NO_LONGER_FITS = "the change no longer fits there."
SUGGESTIONS_HOLD = "Not needed: what the reviewers suggested holds to the letter."
KEEPS_MOVING = "it moves faster than I can follow."


def fails_there(names: str) -> str:
    return f"with the new commits these tests fail: {names}."


def rebuilt(head: Sha) -> str:
    return f"Others pushed meanwhile, so it was rebuilt on {head[:10]} and tested there."


def threads_unanswered(number: int) -> str:
    threads = "1 thread" if number == 1 else f"{number} threads"
    return f"GitHub did not let me answer {threads}."


def threads_unresolved(number: int) -> str:
    threads = "1 thread" if number == 1 else f"{number} threads"
    return f"GitHub did not let me resolve {threads}."


def push_refused(remedy: str) -> str:
    return f"GitHub refused the commit. {remedy}".strip()


def pull_refused(remedy: str) -> str:
    return f"GitHub refused the pull request. {remedy}".strip()


def delete_branches(name: str) -> str:
    return f"Delete old {name} branches."


def passed_when_repeated(names: str) -> str:
    return f"Failed at first and passed when repeated, so not counted: {names}."


def put_back(done: Sequence[PutBack]) -> str:
    """The line ends of a.txt; the executable bit of run.sh"""
    by_aspect = {aspect: [each.path for each in done if each.aspect is aspect] for aspect in Aspect}
    parts = [f"the {aspect.value} of {listing(paths)}" for aspect, paths in by_aspect.items() if paths]
    return f"Changed by the way and put back as it was: {'; '.join(parts)}."


def changes_modes(paths: Sequence[str]) -> str:
    return f"It changes whether files are executable: {listing(paths)}."


def skips_its_own_tests(names: str) -> str:
    return f"It skips tests that it adds itself, in {names}."


def says_which_tests(names: str) -> str:
    """Where all that is known is one exit code."""
    return f"{names} may say which tests are run, so it proves less than usual that the old tests pass."


def check_fails(command: str) -> str:
    return f"The check `{command}` passes before the change and fails with it."


def config_mistakes(path: str, mistakes: Sequence[tuple[int, str]]) -> str:
    """(line, reason) of each."""
    return f"{path} has mistakes: " + "; ".join(f"line {line}: {reason}" for line, reason in mistakes)


def another_round(decision: Decision | None, experiments: Sequence[Experiment]) -> str:
    letters = enumerated([experiment.letter for experiment in experiments])
    nobody = decision is None or decision.champion is None
    why = "No candidate could be trusted" if nobody else "The best candidate was less likely right than is wanted here"
    was = "was" if len(experiments) == 1 else "were"
    return f"{why}, so there was another round: {letters} {was} told what became of those before."


def not_needed(facts: SolveFacts, agreed: Collection[RunId]) -> str:
    """Why a run was not begun."""
    letters = enumerated(sorted(run.experiment.letter for run in facts.runs if run.id in agreed))
    return f"Not needed: {letters} made nearly the same change, and nothing stands against it."


def spared(facts: SolveFacts) -> str:
    """What it saved that enough runs had been made; "" where none was left out."""
    found = saved(facts.runs)
    if found is None:
        return ""
    attempts = "1 attempt was" if found.runs == 1 else f"{found.runs} attempts were"
    return f"{attempts} not begun, which saved about {dollars(found.dollars)}. {found.why}"


def set_up_failed(command: str, ending: str, output: str) -> str:
    """`ending`: "exit code 1". The operator's settings are named, because most set-ups fail for want of a network."""
    last = last_lines(output, 3)
    said = f" It said: {last}" if last else ""
    return (
        f"The set-up command failed ({ending}): {command}.{said} To whoever runs this bot: `solvebot doctor` shows the "
        "hosts that set-up may reach; SETUP_HOSTS=auto,host adds one, SANDBOX_TOOLCHAINS says what is there already."
    )


def last_lines(output: str, number: int) -> str:
    """The last lines that say something, on one line, at most 300 characters of them."""
    lines = [line.strip() for line in as_shown(output).splitlines() if line.strip()][-number:]
    return " / ".join(lines)[-300:]
