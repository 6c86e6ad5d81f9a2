"""Our agent beside mini-SWE-agent's own `DefaultAgent`: the same model, the same shell, message by message.

What the model is shown before every one of its answers must be the same in both, and so must cost and calls. Where
we differ on purpose, a test of its own says in what.
"""

from __future__ import annotations

import asyncio
import copy
import json
import shutil
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.agent.mini import Agent, AgentResult, RunLimits
from bot.agent.prompts import Prompt, wording
from bot.agent.upstream import DefaultAgent, FormatError
from bot.core.model import ExitStatus, Usage
from bot.ports import Finished, Reply

# After our own module, which silences what importing it does.
from minisweagent.environments.local import LocalEnvironment  # isort: skip
from minisweagent.models.utils.actions_toolcall import parse_toolcall_actions  # isort: skip
from minisweagent.models.test_models import DeterministicToolcallModel, make_toolcall_output  # isort: skip

Message = dict[str, Any]
PROMPT = Prompt("You solve issues.", "Fix {{ this }}, it is not a template.")
MARK = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
LIMITS = RunLimits(steps=50, dollars=50.0, seconds=3600.0)


@dataclass(frozen=True)
class Turn:
    """What the model says: calls as (tool, arguments), arguments as JSON text."""

    calls: tuple[tuple[str, str], ...]
    content: str | None = None
    finish_reason: str = "tool_calls"

    def message(self, number: int) -> Message:
        calls = [
            {"id": f"call_{number}_{index}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for index, (name, arguments) in enumerate(self.calls)
        ]
        return {"role": "assistant", "content": self.content, "tool_calls": calls}


def run(*commands: str) -> Turn:
    return Turn(tuple(("bash", json.dumps({"command": command})) for command in commands), content="I think so.")


FIX = (
    run("cat sums.py", "python3 -B check.py"),
    run("sed -i 's/a - b/a + b/' sums.py"),
    run("python3 -B check.py; printf 'x%.0s' $(seq 12000)"),
)
NO_CALL = Turn((), content="Hello.", finish_reason="stop")
CUT_OFF = Turn((), content="Let me think", finish_reason="length")
NOT_JSON = Turn((("bash", '{"command": "ls'),))
WRONG_TOOL = Turn((("python", '{"command": "ls"}'),))
NO_COMMAND = Turn((("bash", '{"path": "ls"}'),))
A_LIST = Turn((("bash", '["ls"]'),))


@dataclass
class Told:
    """What one of the two agents went through."""

    seen: list[list[Message]] = field(default_factory=list)  # the messages before each answer
    messages: list[Message] = field(default_factory=list)
    cost: float = 0.0
    calls: int = 0
    exit_status: str = ""


class Recording(DeterministicToolcallModel):
    """Upstream's scripted model, noting what it is shown."""

    def __init__(self, told: Told, outputs: Sequence[Message]) -> None:
        super().__init__(outputs=list(outputs), observation_template=wording("observation"))  # type: ignore[no-untyped-call]
        self.told = told

    def query(self, messages: list[dict[str, str]], **kwargs: Any) -> Message:
        self.told.seen.append(copy.deepcopy(plain(messages)))
        answer: Message = super().query(messages, **kwargs)
        return answer

    def serialize(self) -> Message:
        """The script cannot be: the errors in it are exceptions."""
        return {}


def plain(messages: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Without `extra`, which never reaches a model; what is said of format errors is our own."""
    return [
        {key: value for key, value in message.items() if key != "extra"}
        | ({"content": "…"} if message.get("extra", {}).get("interrupt_type") == "FormatError" else {})
        for message in messages
    ]


def upstream_output(turn: Turn, number: int) -> Message:
    """A turn as upstream's models hand it on: parsed, or with the error that parsing raises."""
    message = turn.message(number)
    calls = [
        SimpleNamespace(id=call["id"], function=SimpleNamespace(**call["function"])) for call in message["tool_calls"]
    ]
    try:
        actions = parse_toolcall_actions(
            calls,
            format_error_template=wording("format-error"),
            template_kwargs={"finish_reason": turn.finish_reason},
        )
    except FormatError as error:
        error.messages[0]["extra"]["cost"] = 1.0
        actions = [{"raise": error}]
    output: Message = make_toolcall_output(turn.content, message["tool_calls"], actions)
    return output


def upstream(turns: Sequence[Turn], repository: Repository, limits: RunLimits) -> Told:
    told = Told()
    agent = DefaultAgent(
        Recording(told, [upstream_output(turn, number) for number, turn in enumerate(turns, 1)]),
        LocalEnvironment(cwd=str(repository.fresh())),
        system_template="{{ system }}",
        instance_template="{{ instance }}",
        step_limit=limits.steps,
        cost_limit=limits.dollars,
    )
    end = agent.run(system=PROMPT.system, instance=PROMPT.instance)
    told.messages, told.cost, told.calls = plain(agent.messages), agent.cost, agent.n_calls
    told.exit_status = end["exit_status"]
    return told


async def ours(turns: Sequence[Turn], repository: Repository, limits: RunLimits) -> tuple[Told, AgentResult]:
    told = Told()
    cwd = repository.fresh()

    async def think(step: int, messages: Sequence[Mapping[str, Any]]) -> Reply:
        told.seen.append(copy.deepcopy(plain(messages)))
        turn = turns[step - 1]
        return Reply(turn.message(step), turn.finish_reason, Usage(10, 1), dollars=1.0, seconds=0.5)

    async def act(step: int, index: int, command: str) -> Finished:
        shell = await asyncio.create_subprocess_shell(command, cwd=cwd, stdout=PIPE, stderr=STDOUT)
        output, _ = await shell.communicate()
        assert shell.returncode is not None
        return Finished(shell.returncode, output.decode(), seconds=0.25)

    result = await Agent(PROMPT, limits, think, act).run()
    told.messages, told.cost, told.calls = plain(result.messages), result.dollars, result.steps
    told.exit_status = result.exit_status.value
    return told, result


class Repository:
    """A little repository, in the same place for both agents, because paths are part of what they see."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fresh(self) -> Path:
        """As it was at first."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()
        (self.path / "sums.py").write_text("def add(a, b):\n    return a - b\n")
        (self.path / "check.py").write_text("from sums import add\nassert add(2, 3) == 5, add(2, 3)\nprint('good')\n")
        (self.path / "NOTES").write_text(f"{MARK}\nevil patch\n")
        return self.path


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


SCENARIOS = {
    "a fix, then the step limit": (FIX, RunLimits(3, 50.0, 3600.0)),
    "a fix, with format errors between": (
        (FIX[0], NO_CALL, NOT_JSON, FIX[1], CUT_OFF, WRONG_TOOL, FIX[2]),
        RunLimits(7, 50.0, 3600.0),
    ),
    "other malformed calls": ((NO_COMMAND, A_LIST, FIX[0]), RunLimits(3, 50.0, 3600.0)),
    "three format errors": ((FIX[0], NO_CALL, NO_CALL, NOT_JSON, FIX[1]), LIMITS),
    "two format errors, twice": ((NO_CALL, NO_CALL, FIX[0], NO_CALL, NO_CALL, FIX[1]), RunLimits(6, 50.0, 3600.0)),
    "a good and a bad call in one answer": (
        (Turn((FIX[0].calls[0], NOT_JSON.calls[0])), FIX[0]),
        RunLimits(2, 50.0, 3600.0),
    ),
    "no steps at all are left after the first": (FIX, RunLimits(1, 50.0, 3600.0)),
}


@pytest.mark.parametrize("name", SCENARIOS)
async def test_every_message_is_upstreams(name: str, repository: Repository) -> None:
    turns, limits = SCENARIOS[name]
    theirs = upstream(turns, repository, limits)
    mine, _ = await ours(turns, repository, limits)
    assert mine.seen == theirs.seen
    assert mine.messages == theirs.messages
    assert (mine.cost, mine.calls, mine.exit_status) == (theirs.cost, theirs.calls, theirs.exit_status)


async def test_the_fix_of_the_scenarios_is_one(repository: Repository) -> None:
    """Guards the comparison: the commands really ran, failed before the fix and passed after it."""
    told, _ = await ours(FIX, repository, RunLimits(3, 50.0, 3600.0))
    observations = [message["content"] for message in told.messages if message["role"] == "tool"]
    assert "<returncode>1</returncode>" in observations[1]
    assert "AssertionError: -1" in observations[1]
    assert "good" in observations[3]
    assert "characters left out" in observations[3]


# ------------------------------------------------------------------------------------------- on purpose different


async def test_a_submission_answers_all_calls_of_its_turn(repository: Repository) -> None:
    """Upstream raises in the middle: the first observation is lost and three calls stay unanswered."""
    turns = (run("echo one", f"echo {MARK}", "echo never"),)
    theirs = upstream(turns, repository, LIMITS)
    mine, _ = await ours(turns, repository, LIMITS)
    assert [message["role"] for message in theirs.messages] == ["system", "user", "assistant", "exit"]
    assert [message["role"] for message in mine.messages] == [
        *("system", "user", "assistant"),
        *("tool", "tool", "tool", "exit"),
    ]
    assert mine.messages[:3] == theirs.messages[:3]
    assert "one" in mine.messages[3]["content"]
    assert "action was not executed" in mine.messages[5]["content"]
    assert mine.exit_status == theirs.exit_status == "Submitted"
    assert (mine.cost, mine.calls) == (theirs.cost, theirs.calls)


async def test_output_cannot_submit(repository: Repository) -> None:
    """Upstream ends when the output starts with the marker, and takes the rest of a file for the patch."""
    turns = (run("cat NOTES"), run("echo on"))
    theirs = upstream(turns, repository, RunLimits(2, 50.0, 3600.0))
    mine, _ = await ours(turns, repository, RunLimits(2, 50.0, 3600.0))
    assert (theirs.exit_status, theirs.calls) == ("Submitted", 1)
    assert (mine.exit_status, mine.calls) == ("LimitsExceeded", 2)


async def test_what_a_submission_carries_is_ignored(repository: Repository) -> None:
    turns = (run(f"echo {MARK} && touch evil && cat sums.py"),)
    theirs = upstream(turns, repository, LIMITS)
    mine, result = await ours(turns, repository, LIMITS)
    assert theirs.messages[-1]["content"] == (repository.path / "sums.py").read_text()
    assert mine.messages[-1] == {"role": "exit", "content": "Submitted"}
    assert result.messages[-1]["extra"] == {"exit_status": "Submitted", "submission": ""}
    assert not (repository.path / "evil").exists()


async def test_a_spent_budget_has_a_name_of_its_own(repository: Repository) -> None:
    """Checked before a call, as upstream does, so it is exceeded by one call at most."""
    limits = RunLimits(50, 1.5, 3600.0)
    theirs = upstream(FIX, repository, limits)
    mine, result = await ours(FIX, repository, limits)
    assert mine.seen == theirs.seen
    assert mine.messages[:-1] == theirs.messages[:-1]
    assert (theirs.exit_status, mine.exit_status) == ("LimitsExceeded", "CostExceeded")
    assert result.dollars == theirs.cost == 2.0


async def test_a_limit_of_zero_is_a_limit(repository: Repository) -> None:
    """Upstream reads 0 as no limit at all."""
    for limits, status in (
        (RunLimits(0, 1.0, 1.0), ExitStatus.STEPS),
        (RunLimits(1, 0.0, 1.0), ExitStatus.DOLLARS),
        (RunLimits(1, 1.0, 0.0), ExitStatus.TIME),
    ):
        _, result = await ours(FIX, repository, limits)
        assert (result.exit_status, result.steps) == (status, 0)


async def test_notes_beside_the_messages_hold_no_second_copy_of_anything(repository: Repository) -> None:
    _, result = await ours((FIX[0], NO_CALL, run(f"echo {MARK}")), repository, LIMITS)
    keys = {role: set() for role in ("assistant", "tool", "user", "exit")}  # type: dict[str, set[str]]
    for message in result.messages[2:]:
        keys[message["role"]] |= message["extra"].keys()
    assert keys == {
        "assistant": {"actions", "cost", "seconds"},
        "tool": {"returncode", "exception_info", "seconds"},
        "user": {"interrupt_type", "cost", "seconds", "reply"},
        "exit": {"exit_status", "submission"},
    }
