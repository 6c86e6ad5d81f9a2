"""What the agent is told. The wording is in the Markdown files beside this module, which are Jinja templates.

Only these files are ever compiled as templates. Text of issues and repositories goes in as the value of a variable
and stands between tags whose name is made from its own hash, so that the text cannot contain the closing one.
`observation.md` and `format-error.md` take the variables of mini-SWE-agent's templates of the same purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import StrictUndefined, Template

from bot.core.choosing.comparer_prompt import Contenders
from bot.core.evidence.issue_tests import MOST_BYTES, MOST_FILES
from bot.core.model import Strategy


@dataclass(frozen=True, slots=True)
class Prompt:
    """The first two messages of a conversation, rendered."""

    system: str
    instance: str

    @property
    def messages(self) -> list[dict[str, str]]:
        """For who asks one question."""
        return [{"role": "system", "content": self.system}, {"role": "user", "content": self.instance}]

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.system.encode()) + len(self.instance.encode())


def task_prompt(task: str, strategy: Strategy, test_command: str | None) -> Prompt:
    """`task` is the text of core/prompts.py; None for `test_command`: nobody knows how to run the tests."""
    return Prompt(
        system=template("system").render(),
        instance=template("instance").render(
            task=task,
            fence=f"task-{sha256(task.encode()).hexdigest()[:16]}",
            strategy=template(strategy.value).render(),
            test_command=test_command,
        ),
    )


def setup_prompt(brief: str, script: str, command_seconds: float) -> Prompt:
    """`brief` is the text of core/environment/brief.py, `script` the path that the result is read from."""
    return Prompt(
        system=template("setup-system").render(),
        instance=template("setup-instance").render(
            brief=brief,
            fence=f"facts-{sha256(brief.encode()).hexdigest()[:16]}",
            script=script,
            command_seconds=f"{command_seconds:.0f}",
        ),
    )


def comparing_prompt(contenders: Contenders) -> Prompt:
    return Prompt(
        system=template("comparing-system").render(),
        instance=template("comparing-instance").render(contenders=contenders, fence=_fence(*contenders.parts)),
    )


def issue_tests_prompt(brief: str, example_path: str, example: str, test_command: str) -> Prompt:
    """`brief` is the text of core/prompts.py, `example` a test file of the base commit; "" where there is none."""
    return Prompt(
        system=template("issue-tests-system").render(),
        instance=template("issue-tests-instance").render(
            brief=brief,
            example_path=example_path,
            example=example,
            test_command=test_command,
            fence=_fence(brief, example_path, example),
            most_files=MOST_FILES,
            most_bytes=MOST_BYTES,
        ),
    )


def _fence(*texts: str) -> str:
    """Of all texts together, so that none of them can know it."""
    return sha256("\0".join(texts).encode()).hexdigest()[:16]


@cache
def wording(name: str) -> str:
    """The source of one of our templates."""
    return files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")


@cache
def template(name: str) -> Template:
    """Compiled once: compiling takes 2 ms, which an agent would spend again on every step."""
    compiled: Template = Template(wording(name), undefined=StrictUndefined)
    return compiled


def observation(output: dict[str, Any]) -> str:
    """`output` has mini-SWE-agent's keys `output`, `returncode`, `exception_info`, and at times ours, `repeated`."""
    return template("observation").render(output=output)
