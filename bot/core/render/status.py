"""The status comment: one per solve, the same function of the facts at every moment of its life."""

from __future__ import annotations

from bot.core.choosing.reasons import NOTHING_RUNS
from bot.core.model import Decision, Draft, Outcome, SolveFacts, SolveId, TriggerKind
from bot.core.render import approval, revision
from bot.core.render.advice import by_people, compared
from bot.core.render.candidate_matrix import how_sure
from bot.core.render.environment import agent_at_work, beginning_of_configuration, offer
from bot.core.render.evidence import attempts_made, baseline_sentence, receipt, run_state, runs_table, scoreboard
from bot.core.render.failure_reasons import service_away
from bot.core.render.fate import what_became
from bot.core.render.page_links import NO_PAGES, PageLinks
from bot.core.render.text import block, code, count, details, dollars, fitted, harmless
from bot.core.resilience.circuit_breaker import Outage
from bot.core.solve_status import Phase, is_overtaken, is_unpublished, phase
from bot.core.text.outgoing import CleanFacts
from bot.core.trigger.config import CONFIG_PATHS

_NEED_SANDBOXES = frozenset({Phase.ACCEPTED, Phase.PREPARING, Phase.RUNNING, Phase.COMPARING, Phase.DECIDING})
_UNDER_WAY = _NEED_SANDBOXES | {Phase.PUBLISHING}


def status_marker(solve: SolveId) -> str:
    return f"<!-- solvebot solve={solve} -->"


def status_comment(facts: CleanFacts, outage: Outage | None = None, links: PageLinks = NO_PAGES) -> str:
    """What a person sees on the issue while the solve lives and after it ended.

    `outage`: what it waits for, should it need a sandbox. `links`: to its page.
    """
    now = phase(facts)
    waiting = f"> ⏳ {service_away(outage)}" if outage is not None and now in _NEED_SANDBOXES else ""
    parts = [_headline(facts, now), waiting, *_body(facts, now), _footer(facts, now, links)]
    return fitted("\n\n".join(part for part in parts if part), status_marker(facts.id))


def _headline(facts: SolveFacts, now: Phase) -> str:
    pull = facts.pull_request
    if facts.solve.revises is not None and (said := revision.headline(facts, now)) is not None:
        return said
    match now:
        case Phase.ACCEPTED:
            return f"🔎 On it, {_asker(facts)}. Reading the issue."
        case Phase.PREPARING:
            return "🔧 Setting the repository up and running its tests as they are, before anything is changed."
        case Phase.RUNNING:
            return _at_work(facts)
        case Phase.COMPARING:
            return "⚖️ All attempts are over. Comparing the candidates: each is run on the tests of all."
        case Phase.DECIDING:
            return "⚖️ All attempts are over. Comparing what they did."
        case Phase.WAITING:
            return approval.headline(facts)
        case Phase.PUBLISHING:
            return "📦 A champion is chosen. Opening the pull request."
        case Phase.PUBLISHED if pull is not None:
            kind = "draft pull request" if pull.draft else "pull request"
            chosen = f"candidate {_champion_letter(facts)}, chosen from {attempts_made(facts)}"
            sure = how_sure(facts.decision) if facts.decision else ""
            said = " ".join(map(harmless, by_people(facts)))
            return " ".join(filter(None, (f"🏆 Opened {kind} {_pull_link(facts)} with {chosen}.", said, sure)))
        case Phase.CANCELLED:
            return f"🛑 Cancelled: {_ended_by(facts)}. The sandboxes are gone."
        case Phase.FAILED:
            return f"⚠️ This did not work. {harmless(facts.error)}" + _incident(facts)
        case _ if _nothing_runs(facts):
            return "🧰 No attempt was made: I could not run this repository's tests, so no patch could be proved."
        case _:
            return "⚖️ No pull request this time: no candidate can be trusted."


def _at_work(facts: SolveFacts) -> str:
    last = max((run.experiment.round for run in facts.runs), default=1)
    number = sum(run.experiment.round == last for run in facts.runs)
    each = ", each" if number > 1 else ""
    told = " They know what became of those before." if last > 1 else ""
    at_work = f"{count(number, 'attempt')} at work{each} in its own sandbox"
    return f"🏁 {at_work}{f', round {last}' if last > 1 else ''}. I will judge by running tests.{told}"


def _nothing_runs(facts: SolveFacts) -> bool:
    return facts.decision is not None and facts.decision.reasons == (NOTHING_RUNS,)


def _body(facts: SolveFacts, now: Phase) -> list[str]:
    parts = [f"> {harmless(note)}" for note in facts.notes]
    if now is Phase.PREPARING and facts.setup_agent is not None:
        parts.append(harmless(agent_at_work(facts.setup_agent)))
    if now is Phase.RUNNING or (now in (Phase.CANCELLED, Phase.FAILED) and facts.runs):
        parts.append(runs_table(facts))
    if now is Phase.FAILED and is_unpublished(facts):
        parts += _what_is_left(facts)
    if now in (Phase.CANCELLED, Phase.FAILED):
        parts += _paid_beside_runs(facts)
    if now is Phase.NO_CHAMPION and _nothing_runs(facts):
        return [*parts, *_how_to_make_it_run(facts), *_paid_beside_runs(facts)]
    if now is Phase.NO_CHAMPION:
        parts += _what_stood_against(facts)
    if facts.decision is not None and now is not Phase.CANCELLED and not is_overtaken(facts):
        parts.append(scoreboard(facts))
        if facts.decision.reasons and now is not Phase.NO_CHAMPION:
            parts.append("\n".join(f"- {harmless(reason)}" for reason in (*facts.decision.reasons, *compared(facts))))
    if facts.decision is not None and now is Phase.PUBLISHED and _is_draft(facts):
        parts.append(_why_draft(facts, facts.decision))
    if facts.baseline is not None and now in (Phase.RUNNING, Phase.PUBLISHED, Phase.NO_CHAMPION):
        parts.append(baseline_sentence(facts.baseline))
    if now is Phase.WAITING:
        parts += _to_be_approved(facts)
    if now is Phase.PUBLISHED:
        parts.append(what_became(facts))
    if now in (Phase.PUBLISHED, Phase.NO_CHAMPION):
        parts.append(offer(facts))
        parts.append(_receipt(facts))
    return parts


def _to_be_approved(facts: SolveFacts) -> list[str]:
    assert facts.decision is not None
    doubts = "\n".join(f"- {harmless(doubt)}" for doubt in facts.decision.uncertain)
    uncertain = [f"Uncertain:\n{doubts}"] if doubts else []
    tests = [baseline_sentence(facts.baseline)] if facts.baseline is not None else []
    return [*uncertain, *tests, approval.how_to_answer(facts), *approval.diffs(facts), _receipt(facts)]


def _why_draft(facts: SolveFacts, decision: Decision) -> str:
    """The evidence, where it is not enough; else a person's word or the repository's; else the base branch."""
    if facts.pull_request is not None and facts.pull_request.drafted_by:
        return f"It is a draft, as {harmless(facts.pull_request.drafted_by)} wants it."
    if decision.outcome is Outcome.DRAFT and decision.uncertain:
        return "It is a draft, because:\n" + "\n".join(f"- {harmless(doubt)}" for doubt in decision.uncertain)
    if decision.outcome is Outcome.DRAFT:
        return "It is a draft: the evidence is not enough to call it ready."
    if facts.solve.options.draft:
        return "It is a draft, as it was asked for."
    if facts.task is not None and facts.task.config.pull_request.draft is Draft.ALWAYS:
        return f"It is a draft, as `{CONFIG_PATHS[0]}` wants it."
    return "It is a draft, because the patch no longer applies to the base branch, which has moved on."


def _is_draft(facts: SolveFacts) -> bool:
    """One that was opened as such; a revision leaves it as it is."""
    return facts.solve.revises is None and facts.pull_request is not None and facts.pull_request.draft


def _receipt(facts: SolveFacts) -> str:
    return details(f"Receipt: {dollars(facts.dollars)}", receipt(facts))


def _paid_beside_runs(facts: SolveFacts) -> list[str]:
    """Where no run may have cost anything, and the table of runs does not tell all."""
    return [_receipt(facts)] if facts.beside_runs else []


def _what_is_left(facts: SolveFacts) -> list[str]:
    """Of a champion that was not published: it is not lost, and nobody pays for it again."""
    pull = facts.pull_request
    again = f"Candidate {_champion_letter(facts)} is kept: `/solve retry` only tries to publish it again."
    if pull is None:
        return [again]
    return [f"Its change is on the branch {code(pull.branch)}: [open the pull request yourself]({pull.url}).", again]


def _what_stood_against(facts: SolveFacts) -> list[str]:
    """Outcome `none`: what was tried, and what stood against each candidate."""
    lines = []
    for run in facts.runs:
        ranked = next((r for r in facts.decision.ranking if r.run == run.id), None) if facts.decision else None
        why = ranked.verdict if ranked else run_state(run)
        error = f" ({harmless(run.error, 300)})" if run.error else ""
        lines.append(f"- **{run.experiment.letter}** ({code(run.experiment.model.name)}): {why}{error}")
    parts = ["\n".join(lines)] if lines else []
    if facts.decision and facts.decision.reasons:
        parts.append(" ".join(harmless(reason) for reason in facts.decision.reasons))
    parts.append(
        "More detail in the issue often helps: how to reproduce it, what you expected. Then `/solve retry`."
        if facts.solve.revises is None
        else "It often helps to say more precisely what to change. Then `/solve revise` tries again."
    )
    return parts


def _how_to_make_it_run(facts: SolveFacts) -> list[str]:
    """What was tried, what to write into the configuration, and the way without."""
    baseline, plan = facts.baseline, facts.toolchain
    lines = [f"- {harmless(line, 700)}" for line in baseline.tried] if baseline is not None else []
    parts = ["What I tried, each in a fresh sandbox:\n\n" + "\n".join(lines)] if lines else []
    if baseline is not None and baseline.note:
        parts.append(harmless(baseline.note, 1000))
    beginning = block(beginning_of_configuration(plan).strip(), "yaml", 2000)
    parts.append(f"A maintainer can say how in `{CONFIG_PATHS[0]}` on the default branch; a beginning:\n\n{beginning}")
    parts.append(
        "`solvebot environment PATH` tries it on a clone. Then `/solve retry`. "
        "Or `/solve draft`: the best unproven patch becomes a draft pull request all the same."
    )
    return parts


def _footer(facts: SolveFacts, now: Phase, links: PageLinks) -> str:
    bits = [link] if (link := links.of(facts.id)) else []
    if facts.task is not None:
        bits.append(f"task `{facts.task.digest[:12]}`")
        bits.append(f"base {code(facts.task.base_branch)} at `{facts.task.base_sha[:10]}`")
    if facts.limits is not None:
        bits.append(f"at most ${facts.limits.dollars:.2f}, {facts.limits.minutes:g} min per run")
    if now in _UNDER_WAY:
        bits.append("stop it with `/solve cancel`")
    elif now is Phase.WAITING:
        bits.append("ask `/solve explain` for the whole decision")
    elif now is not Phase.PUBLISHED:
        bits.append(f"try again with `/solve {'retry' if facts.solve.revises is None else 'revise'}`")
    else:
        bits.append("ask `/solve explain` for the whole decision")
    left_out = ""
    if facts.task is not None and facts.task.left_out:
        left_out = "<br>left out of the task: " + harmless("; ".join(facts.task.left_out), 500)
    return f"<sub>{' · '.join(bits)}{left_out}</sub>"


def _asker(facts: SolveFacts) -> str:
    """No mention: whoever asked is notified of our comment anyway."""
    return f"**{harmless(facts.solve.trigger.by.login)}**"


def _ended_by(facts: SolveFacts) -> str:
    if facts.solve.trigger.kind is TriggerKind.COMMAND_LINE and not facts.ended_by:
        return "stopped at the terminal"
    return harmless(facts.ended_by) or "stopped"


def _incident(facts: SolveFacts) -> str:
    return f" To whoever runs this bot: the log knows more under `{facts.incident}`." if facts.incident else ""


def _champion_letter(facts: SolveFacts) -> str:
    run = facts.champion
    return f"**{run.experiment.letter}**" if run else "?"


def _pull_link(facts: SolveFacts) -> str:
    pull = facts.pull_request
    assert pull is not None
    return f"#{pull.number}" if pull.number else code(pull.branch)
