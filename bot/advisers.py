"""Models that have no candidate of their own: one writes tests from the issue, one compares two that are nearly equal.

Both are of another family than the candidates', asked once after the runs, within their own few cents and what is left
of the solve's dollars. Where there is no such model nobody is asked, and nothing that goes wrong here ends a solve.

Workflow code. Each answer is stored with the solve before its step is on record, so that nobody is asked again for
what is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from bot.agent.prompts import Prompt, comparing_prompt, issue_tests_prompt
from bot.agent.protocol import text_of
from bot.core.asking import SECONDS, added, bounded, dollars_left
from bot.core.candidate.similarity import case_of
from bot.core.choosing import comparing
from bot.core.choosing.comparer_prompt import contenders
from bot.core.evidence import issue_tests
from bot.core.localization import keywords
from bot.core.model import Answer, Compared, Consulted, IssueTests, ModelSpec, SolveFacts, SolveId
from bot.core.text.cleaning import shorten, visible
from bot.engine import patiently, step
from bot.ports import World, WorldError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Advice:
    """What the operator allows."""

    issue_tests: bool = True
    comparer: bool = True


class Advisers:
    def __init__(self, world: World, allowed: Advice) -> None:
        self._world = world
        self._allowed = allowed

    # ------------------------------------------------------------------------------------------------------- steps

    @step("tests from the issue")
    async def write_tests(self, id: SolveId, brief: str) -> None:
        """`brief`: what the agents were told. Nothing in it comes from a candidate."""
        facts = await self._facts(id)
        if not self._allowed.issue_tests or facts.issue_tests is not None or not issue_tests.is_worth_asking(facts):
            return
        model = await self._stranger(facts)
        if model is None:
            return
        assert facts.task is not None
        repo, base = facts.solve.issue.repo, facts.task.base_sha
        paths = [file.path for file in await self._world.mirrors.files(repo, base)]
        prompt = await self._issue_tests_prompt(facts, brief, paths)
        if not issue_tests.affordable(model, prompt.size, facts):
            return
        said, cost = await self._ask(bounded(model, issue_tests.ANSWER_TOKENS), prompt, Consulted(model.name))
        files = issue_tests.files_of(said or "", paths)
        await patiently(lambda: self._world.store.issue_tests_written(id, IssueTests(cost, files)))
        log.info("advisers.tests_written", solve=id, model=model.name, files=len(files), dollars=cost.dollars)

    @step("compare")
    async def compare(self, id: SolveId) -> None:
        """Two questions at most; after each the answers so far are stored."""
        facts = await self._facts(id)
        model = await self._stranger(facts) if self._allowed.comparer else None
        compared = self._begun(facts, model) if model is not None else None
        while model is not None and compared is not None and (order := comparing.next_order(compared)):
            prompt = comparing_prompt(contenders(facts, *order))
            facts = replace(facts, compared=compared)
            if not comparing.affordable(model, prompt.size, compared, dollars_left(facts)):
                return
            said, cost = await self._ask(bounded(model, comparing.ANSWER_TOKENS), prompt, compared.cost)
            answer = Answer.NEITHER if said is None else comparing.read_answer(said)
            compared = replace(compared, cost=cost, answers=(*compared.answers, answer))
            await patiently(partial(self._world.store.compared, id, compared))
            log.info("advisers.compared", solve=id, model=model.name, answer=answer, dollars=cost.dollars)

    # ------------------------------------------------------------------------------------------------------ details

    def _begun(self, facts: SolveFacts, model: ModelSpec) -> Compared | None:
        """Where the question stands; None where there is nothing to ask."""
        assert facts.task is not None
        before = facts.compared
        if before is not None and comparing.next_order(before) is not None:
            return before
        beside, trust = comparing.beside_of(facts), facts.task.config.trust
        pair = comparing.near_tie(case_of(facts), facts.pool, beside, trust=trust)
        if pair is None or (before is not None and {before.one, before.other} == {*pair}):
            return before
        return Compared(*pair, before.cost if before else Consulted(model.name))

    async def _stranger(self, facts: SolveFacts) -> ModelSpec | None:
        models = [experiment.model for experiment in facts.experiments]
        return comparing.stranger(await self._world.store.models(), models)

    async def _issue_tests_prompt(self, facts: SolveFacts, brief: str, paths: Sequence[str]) -> Prompt:
        """With the test file of the repository that has most to do with the issue."""
        assert facts.task is not None
        assert facts.baseline is not None
        repo, base = facts.solve.issue.repo, facts.task.base_sha
        hits = await self._world.mirrors.grep(repo, base, keywords(facts.task.title, facts.task.body))
        path = issue_tests.example(paths, hits)
        content = await self._world.mirrors.read(repo, base, path) if path else None
        text = shorten(visible((content or b"").decode(errors="replace")), issue_tests.EXAMPLE)
        return issue_tests_prompt(brief, visible(path or ""), text, visible(facts.baseline.command or ""))

    async def _ask(self, model: ModelSpec, prompt: Prompt, cost: Consulted) -> tuple[str | None, Consulted]:
        """What it says, None where it gives no answer; and what it has cost with what was spent before."""
        try:
            reply = await self._world.model.complete(
                model, prompt.messages, temperature=model.temperature, tools=(), within=SECONDS
            )
        except WorldError as error:
            log.warning("advisers.no_answer", model=model.name, reason=str(error))
            return None, added(cost, error.dollars)
        return text_of(reply.message), added(cost, reply.dollars, reply.usage, reply.seconds)

    async def _facts(self, id: SolveId) -> SolveFacts:
        facts = await self._world.store.facts(id)
        assert facts is not None
        return facts
