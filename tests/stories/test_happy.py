"""Someone asks, and a pull request comes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.model import Outcome, Status
from bot.simulators.model import SUBMIT, bash, turns
from tests.stories.world import (
    BREAKS,
    FIX,
    FIXES,
    GIVES_UP,
    REGRESSION_TEST,
    World,
    a_world,
    commands,
    line_up,
)


@pytest.fixture
async def world_on_either(tmp_path: Path, either_database: str) -> AsyncIterator[World]:
    async with a_world(tmp_path, database_url=either_database) as world:
        yield world


async def test_a_label_becomes_a_pull_request(world_on_either: World) -> None:
    world = world_on_either
    issue = await world.issue()
    await world.label(issue)
    facts = await world.over(issue)

    assert facts.status is Status.COMPLETED, facts.error
    [pull] = world.repo.pulls
    assert pull.state.by_app
    assert pull.pull.base == "main"
    assert f"Fixes #{issue.number}" in (pull.state.body or "")
    assert "> Greets the world when nobody is named." in (pull.state.body or "")
    assert world.repo.file(pull.pull.head_sha, "greet.sh") == b'echo "hello ${1:-world}"\n'
    assert facts.pull_request is not None
    assert facts.pull_request.verified is True
    assert [r.content for r in issue.reactions] == ["eyes", "rocket"]
    status = await world.next_comment(issue)
    assert f"#{pull.number}" in status.body
    assert len(issue.bot_comments) == 1


async def test_the_commit_credits_who_asked_and_is_signed(world: World) -> None:
    issue = await world.issue()
    await world.label(issue)
    await world.over(issue)
    await world.next_comment(issue)

    [pull] = world.repo.pulls
    commit = world.repo.state.git.commit(pull.pull.head_sha)
    ann = world.github.user("ann")
    assert commit.message.endswith(f"Co-authored-by: ann <{ann.id}+ann@users.noreply.github.com>")
    assert commit.parents == (world.repo.branch_sha("main"),) or list(commit.parents) == [world.repo.branch_sha("main")]


async def test_where_commits_have_to_be_signed_off_they_are(tmp_path: Path) -> None:
    async with a_world(tmp_path, files=line_up("fixer", extra="pull_request: {signoff: true}\n")) as world:
        _, pull, _ = await world.published()
        commit = world.repo.state.git.commit(pull.pull.head_sha)
        ann = world.github.user("ann")
        assert commit.message.splitlines()[-2:] == [
            f"Signed-off-by: {commit.author.name} <{commit.author.email}>",
            f"Signed-off-by: ann <{ann.id}+ann@users.noreply.github.com>",
        ]


async def test_a_comment_with_options_plans_as_it_says(tmp_path: Path) -> None:
    scripts = {"fixer": FIXES, "other": FIXES}
    async with a_world(tmp_path, scripts=scripts) as world:
        issue = await world.issue()
        await world.comment(
            issue,
            "Could you?\n\n/solve model=other,fixer attempts=2 temperature=0.2 strategy=minimal budget=1.50 time=5m "
            'repro="test \\"$(sh greet.sh)\\" = \\"hello world\\"" draft',
        )
        facts = await world.over(issue)
        await world.next_comment(issue)

        assert [(e.model.name, e.temperature, e.strategy) for e in facts.experiments] == [
            ("other", 0.2, "minimal"),
            ("fixer", 0.2, "minimal"),
        ]
        assert facts.limits is not None
        assert (facts.limits.dollars, facts.limits.minutes) == (1.5, 5)
        assert facts.baseline is not None
        assert facts.baseline.repro_exit == 1
        [pull] = world.repo.pulls
        assert pull.pull.draft
        assert [r.content for r in issue.comments[0].reactions] == ["eyes", "rocket"]


async def test_the_champion_is_chosen_by_evidence(tmp_path: Path) -> None:
    scripts = {
        "breaker": BREAKS,
        "quitter": GIVES_UP,
        "tester": commands(FIX, REGRESSION_TEST),
    }
    files = line_up("breaker", "quitter", "tester", test="for t in tests/*.sh; do sh $t || exit 1; done")
    async with a_world(tmp_path, scripts=scripts, files=files) as world:
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        await world.next_comment(issue)

        assert facts.decision is not None
        assert facts.decision.outcome is Outcome.DRAFT  # its own test alone says that it is right
        champion = facts.run(facts.decision.champion)
        assert champion is not None
        assert champion.experiment.model.name == "tester"
        assert "passes no stable test" in next(r.verdict for r in facts.decision.ranking if r.run.endswith("r1"))
        [pull] = world.repo.pulls
        assert pull.pull.draft
        assert "About one in two of such patches was right (55 %)" in (pull.state.body or "")


async def test_the_receipt_is_the_ledger(world: World) -> None:
    issue = await world.issue()
    await world.label(issue)
    facts = await world.over(issue)
    await world.next_comment(issue)

    assert facts.runs[0].steps == world.models.calls["simulated/fixer"] == 2
    assert facts.dollars == 0.002
    [pull] = world.repo.pulls
    assert "Receipt: $0.0020" in (pull.state.body or "")


async def test_no_secret_reaches_model_or_sandbox(tmp_path: Path) -> None:
    snoop = turns(
        bash("env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; ls -a / /home/agent"), bash(FIX), bash(SUBMIT)
    )
    async with a_world(tmp_path, scripts={"fixer": snoop}, private=True) as world:
        issue = await world.issue()
        await world.label(issue)
        await world.over(issue)
        await world.next_comment(issue)

        said = repr([asked.messages for asked in world.models.asked])
        for secret in world.settings.secrets:
            assert secret not in said
        assert "ghs_" not in said


async def test_a_private_repository_is_solved_like_any_other(tmp_path: Path) -> None:
    async with a_world(tmp_path, private=True) as world:
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        await world.next_comment(issue)
        assert facts.task is not None
        assert facts.task.private
        assert len(world.repo.pulls) == 1


async def test_the_answer_comes_before_the_work(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        issue = await world.issue()
        await world.label(issue)
        await world.over(issue)
        await world.next_comment(issue)
        calls = list(world.github.requests)
        reaction = next(i for i, call in enumerate(calls) if call.path.endswith("/reactions"))
        comment = next(i for i, call in enumerate(calls) if call.method == "POST" and call.path.endswith("/comments"))
        fetching = {"contents": "read", "metadata": "read"}
        token = next(i for i, call in enumerate(calls) if call.body.get("permissions") == fetching)
        assert reaction < comment < token, "the eyes, then the comment, and only then the repository is fetched"


async def test_a_set_up_that_fails_is_told(tmp_path: Path) -> None:
    files = line_up("fixer", extra='setup: ["echo no such package; exit 3"]\n')
    async with a_world(tmp_path, files=files) as world:
        issue = await world.issue()
        await world.label(issue)
        await world.over(issue)
        await world.next_comment(issue)
        [pull] = world.repo.pulls
        assert "no such package" in (pull.state.body or "")


async def test_runs_that_have_not_begun_are_not_needed_when_two_agree(tmp_path: Path) -> None:
    names = ("fixer", "twin", "spare")
    files = line_up(*names, test="for t in tests/*.sh; do sh $t || exit 1; done", extra="limits: {parallel: 1}\n")
    script = commands(FIX, REGRESSION_TEST)
    async with a_world(tmp_path, scripts=dict.fromkeys(names, script), files=files) as world:
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)

        assert [run.status for run in facts.runs] == [Status.COMPLETED, Status.COMPLETED, Status.CANCELLED]
        assert world.models.calls["simulated/spare"] == 0
        assert facts.champion in facts.runs[:2]
        status = await world.next_comment(issue)
        spared = (
            r"1 attempt was not begun, which saved about \$0.0030. "
            "Not needed: A and B made nearly the same change, and nothing stands against it."
        )
        assert f"> {spared}" in status.body
        [pull] = world.repo.pulls
        for told in (status.body, pull.state.body or ""):
            receipt = told.partition("Receipt: $0.0060")[2]
            assert f"\n\n{spared}\n" in receipt
            assert "**C**" not in receipt
        assert "### Why this patch, of 2 attempts" in (pull.state.body or "")
        assert "chosen from 2 attempts" in status.body
        assert re.search(r"\| \*\*C\*\* \| `spare` baseline \| – \| none \|.*\| not begun \|", status.body)
