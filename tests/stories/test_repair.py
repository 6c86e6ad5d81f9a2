"""A check fails on a commit of the bot's: it is mended once where it is ours to mend; otherwise it is said why not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.core.model import Status, TriggerKind
from bot.simulators.model import SUBMIT, Answer, Message, Script, bash
from tests.stories.pulls import a_pull
from tests.stories.world import MAINTAINER, a_world, line_up

TESTS = "for t in tests/*.sh; do sh $t || exit 1; done"
FILES = line_up("fixer", test=TESTS)
QUOTED = "printf 'echo \"hello ${1-world}\"\\n' > greet.sh"
LOG = """2026-11-28T10:00:00.0000000Z ##[group]Run sh tests/test_dash.sh
2026-11-28T10:00:01.0000000Z not ok 1 - tests/test_dash.sh
2026-11-28T10:00:01.5000000Z ##[error]Process completed with exit code 1.
"""


def mends(*commands: str) -> Script:
    def script(messages: Sequence[Message]) -> Answer:
        return bash([*commands, SUBMIT][sum(message["role"] == "tool" for message in messages)])

    return script


async def test_a_failing_check_is_mended_by_one_commit_on_top(tmp_path: Path) -> None:
    async with a_world(tmp_path, scripts={"fixer": mends(QUOTED)}, files=FILES) as world:
        pull = await a_pull(world.github, world.repo, world.bot.bot.world.store)
        before = pull.pull.head_sha
        await world.check(pull, "test", "failure", log=LOG)
        facts = await world.revised(pull)

        assert facts.status is Status.COMPLETED, facts.error
        assert facts.solve.trigger.kind is TriggerKind.CHECK
        after = pull.pull.head_sha
        commit = world.repo.state.git.commit(after)
        assert list(commit.parents) == [before]
        assert commit.message == f"Repair the checks of #{pull.number}"
        assert world.repo.file(after, "greet.sh") == b'echo "hello ${1-world}"\n'
        asked = "".join(str(message["content"]) for request in world.models.asked for message in request.messages)
        assert "not ok 1 - tests/test_dash.sh" in asked
        assert "2026-11-28T10:00" not in asked
        assert f"- {after[:10]}, a repair of `test`: candidate A of 1 attempt" in pull.body
        [status] = pull.bot_comments
        assert f"✅ Pushed {after[:10]}" in status.body
        assert pull.pull.requested_reviewers == []
        assert MAINTAINER not in commit.message
