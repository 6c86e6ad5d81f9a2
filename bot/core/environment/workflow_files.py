"""What stands in workflow files and local actions, as records. Nothing is decided here but what cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.core.environment.bounded_yaml import Unreadable, Value, read_yaml
from bot.core.environment.files import Files
from bot.core.environment.plan import Skipped

MAX_JOBS = 60  # of a workflow
MAX_STEPS = 60  # of a job, those of its actions among them

Record = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    run: str
    uses: str
    given: Mapping[str, str]  # `with`
    env: Mapping[str, str]
    condition: str
    directory: str
    shell: str
    inputs: Mapping[str, str] = field(default_factory=dict)  # of the local action that it is part of


@dataclass(frozen=True, slots=True)
class Job:
    """`inputs`: what a calling workflow handed in; `parted`: the name of its matrix by which it split them."""

    path: str
    id: str
    name: str
    runs_on: str
    condition: str
    uses: str
    matrix: Value | None
    env: Mapping[str, str]
    directory: str
    shell: str
    services: tuple[str, ...]
    steps: tuple[Step, ...]
    inputs: Mapping[str, str] = field(default_factory=dict)
    parted: str = ""


@dataclass(frozen=True, slots=True)
class Workflow:
    path: str
    name: str
    events: frozenset[str]
    jobs: tuple[Job, ...]
    defaults: Mapping[str, str]  # of its inputs, when it is called


def read_workflow(path: str, text: str) -> Workflow | Skipped:
    value = read_yaml(text)
    if isinstance(value, Unreadable):
        return Skipped(path, value.reason)
    top = record(value)
    jobs = record(top.get("jobs"))
    if not jobs:
        return Skipped(path, "It has no jobs.")
    read = (_job(path, id, record(job), top) for id, job in list(jobs.items())[:MAX_JOBS])
    call = record(record(top.get("on")).get("workflow_call"))
    return Workflow(path, scalar(top, "name"), _events(top.get("on")), tuple(read), _defaults(call))


def record(value: Value | None) -> Record:
    """A mapping; of anything else, an empty one."""
    return value if isinstance(value, dict) else {}


def scalar(parent: Record, key: str) -> str:
    value = parent.get(key)
    return value if isinstance(value, str) else ""


def _texts(value: Value | None) -> dict[str, str]:
    return {name: text for name, text in record(value).items() if isinstance(text, str)}


def _events(value: Value | None) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset({value})
    return frozenset(item for item in value if isinstance(item, str)) if value else frozenset()


def _defaults(call: Record) -> dict[str, str]:
    """Of the inputs of an action or a callable workflow."""
    return {name: scalar(record(about), "default") for name, about in record(call.get("inputs")).items()}


def _job(path: str, id: str, job: Record, top: Record) -> Job:
    runs = [record(record(owner.get("defaults")).get("run")) for owner in (top, job)]
    runs_on = job.get("runs-on")
    labels = runs_on if isinstance(runs_on, list) else [runs_on or ""]
    return Job(
        path=path,
        id=id,
        name=scalar(job, "name"),
        runs_on=" ".join(label for label in labels if isinstance(label, str)),
        condition=scalar(job, "if"),
        uses=scalar(job, "uses"),
        matrix=record(job.get("strategy")).get("matrix"),
        env={**_texts(top.get("env")), **_texts(job.get("env"))},
        directory=scalar(runs[1], "working-directory") or scalar(runs[0], "working-directory"),
        shell=scalar(runs[1], "shell") or scalar(runs[0], "shell"),
        services=tuple(record(job.get("services")))[:10],
        steps=_steps(job.get("steps")),
        inputs=_texts(job.get("with")),
    )


def _steps(value: Value | None) -> tuple[Step, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(_step(record(item)) for item in listed[:MAX_STEPS])


def _step(step: Record) -> Step:
    return Step(
        name=scalar(step, "name"),
        run=scalar(step, "run"),
        uses=scalar(step, "uses"),
        given=_texts(step.get("with")),
        env=_texts(step.get("env")),
        condition=scalar(step, "if"),
        directory=scalar(step, "working-directory"),
        shell=scalar(step, "shell"),
    )


def called(job: Job, workflows: Mapping[str, Workflow]) -> tuple[Job, ...] | Skipped:
    """The jobs of the workflow that a job calls, one level deep; of one that calls none, itself."""
    if not job.uses:
        return (job,)
    if not job.uses.startswith("./"):
        reason = f"The job `{job.id}` calls a workflow of another repository."
        return Skipped(job.path, reason)
    workflow = workflows.get(job.uses[2:])
    if workflow is None:
        return Skipped(job.path, f"The job `{job.id}` calls `{job.uses}`, which cannot be read.")
    inputs = {**workflow.defaults, **job.inputs}
    return tuple(replace(one, inputs=inputs, parted=job.parted) for one in workflow.jobs if not one.uses)


def with_actions(steps: tuple[Step, ...], files: Files) -> tuple[Step, ...]:
    """The steps of local composite actions in the place of those that use them, one level deep."""
    found: list[Step] = []
    for step in steps:
        inner = _composite(step, files) if step.uses.startswith(("./", "$/")) else ()
        found += inner or (step,)
    return tuple(found[:MAX_STEPS])


def _composite(step: Step, files: Files) -> tuple[Step, ...]:
    directory = step.uses[2:].rstrip("/")
    paths = [f"{directory}/{name}" for name in ("action.yml", "action.yaml")]
    value = read_yaml(files.texts.get(next((path for path in paths if path in files), ""), ""))
    if isinstance(value, Unreadable):
        return ()
    top = record(value)
    inputs = {**_defaults(top), **step.given}
    inner = _steps(record(top.get("runs")).get("steps"))
    condition = step.condition
    return tuple(replace(one, inputs=inputs, condition=one.condition or condition) for one in inner)
