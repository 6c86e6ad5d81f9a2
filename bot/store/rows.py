"""Between rows and the values of the core. No statement and no decision here, only shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.core.choosing.overlap import Neighbour
from bot.core.model import (
    Candidate,
    Evidence,
    Experiment,
    IssueRef,
    KnownEnvironment,
    ModelSpec,
    Repo,
    RunFacts,
    RunId,
    SandboxId,
    SnapshotId,
    Solve,
    SolveFacts,
    SolveId,
    Status,
    Usage,
    Workspace,
    run_id,
)
from bot.core.resilience.circuit_breaker import Health
from bot.core.resilience.sandbox_leases import Image, ImageId, Lease, LeaseKey, MachineId, Operation, Used
from bot.core.trigger.pull_watch import PullWatch
from bot.store.tables import ModelConfig, solve_runs

Row = sa.Row[*tuple[Any, ...]]
Values = dict[str, Any]

RUN_COLUMNS = [column for column in solve_runs.c if column.name != "trajectory"]
"""All but the trajectory, which is large and has a question of its own."""


def solve_values(solve: Solve, *, web_url: str, now: datetime) -> Values:
    return {
        "id": solve.id,
        "user_id": solve.trigger.by.id,
        "repository_id": solve.issue.repo.id,
        "repo_url": f"{web_url}/{solve.issue.repo.name}",
        "issue_number": solve.issue.number,
        "issue_title": solve.issue_title,
        "issue_body": solve.issue_body,
        "trigger": solve.trigger,
        "requested_by": solve.trigger.by.login,
        "revises": solve.revises,
        "asked": solve.asked or None,
        "batch": solve.batch or None,
        "reserved": solve.reserved,
        "options": solve.options,
        "status": Status.PENDING,
        "error_message": "",
        "incident": "",
        "ended_by": "",
        "notes": (),
        "created_at": solve.created_at,
        "updated_at": now,
    }


def solve_of(row: Row) -> Solve:
    """`row` also has the repository's current `installation_id` and `name`: names change, and installations."""
    return Solve(
        id=SolveId(row.id),
        issue=IssueRef(Repo(row.installation_id, row.repository_id, row.name), row.issue_number),
        issue_title=row.issue_title,
        issue_body=row.issue_body,
        trigger=row.trigger,
        options=row.options,
        created_at=row.created_at,
        revises=SolveId(row.revises) if row.revises else None,
        asked=row.asked or "",
        batch=row.batch or "",
        reserved=row.reserved or 0.0,
    )


def facts_of(row: Row, runs: Sequence[Row]) -> SolveFacts:
    experiments: tuple[Experiment, ...] = row.matrix or ()
    return SolveFacts(
        solve=solve_of(row),
        status=row.status,
        task=row.task,
        toolchain=row.toolchain,
        experiments=experiments,
        limits=row.limits,
        baseline=row.baseline,
        setup_agent=row.setup_agent,
        runs=tuple(run_facts_of(run, experiments) for run in runs),
        issue_tests=row.issue_tests,
        pool=row.pool or (),
        probed=row.probed,
        compared=row.compared,
        decision=row.decision,
        minimal=row.minimal,
        approval=row.approval,
        overlaps=row.overlaps or (),
        fate=row.fate,
        fate_why=row.fate_why or "",
        comment_id=row.comment_id,
        pull_request=row.pull_request,
        watch=row.watch or PullWatch(),
        error=row.error_message,
        incident=row.incident,
        ended_by=row.ended_by,
        notes=row.notes,
        started_at=row.started_at,
        completed_at=row.completed_at,
    )


def run_values(solve: SolveId, experiment: Experiment, *, now: datetime) -> Values:
    return {
        "id": run_id(solve, experiment.index),
        "solve_id": solve,
        "position": experiment.index,
        "model": experiment.model.name,
        "temperature": experiment.temperature,
        "max_edits": experiment.steps,
        "evolution": experiment.strategy,
        "status": Status.PENDING,
        "steps": 0,
        "cost": 0.0,
        **usage_values(Usage()),
        "latency_ms": 0,
        "error_message": "",
        "created_at": now,
        "updated_at": now,
    }


def usage_values(usage: Usage) -> Values:
    return {
        "tokens": usage.total,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
    }


def run_facts_of(row: Row, experiments: Sequence[Experiment]) -> RunFacts:
    """The experiment is kept once, in the solve's matrix."""
    return RunFacts(
        id=RunId(row.id),
        solve=SolveId(row.solve_id),
        experiment=next(experiment for experiment in experiments if experiment.index == row.position),
        status=row.status,
        steps=row.steps,
        dollars=row.cost,
        usage=Usage(row.input_tokens, row.output_tokens, row.cached_tokens),
        seconds=row.latency_ms / 1000,
        exit_status=row.exit_status,
        error=row.error_message,
        last_command=row.diagnostics.command if row.diagnostics else "",
        candidate=replace(row.candidate, patch=row.patch) if row.candidate else None,
        evidence=row.evidence,
        started_at=row.started_at,
        completed_at=row.completed_at,
    )


def candidate_values(candidate: Candidate) -> Values:
    return {
        "patch": candidate.patch,
        "candidate": replace(candidate, patch=""),
        "loc_changed": candidate.lines_changed,
        "files_changed": len(candidate.changes),
    }


def evidence_values(evidence: Evidence) -> Values:
    """`tests_passed` is NULL where no test was run."""
    return {
        "evidence": evidence,
        "tests_passed": evidence.stable_passed == evidence.stable_total if evidence.stable_total else None,
    }


def neighbour_of(row: Row) -> Neighbour:
    paths = tuple(change.path for change in row.candidate.changes) if row.candidate else ()
    return Neighbour(SolveId(row.id), row.pr_number, paths)


def model_values(spec: ModelSpec, *, now: datetime) -> Values:
    return {
        "id": spec.name,
        "name": spec.name,
        "provider": spec.provider,
        "model_id": spec.model_id,
        "config": ModelConfig(spec.temperature, spec.max_tokens, spec.prices, spec.prior),
        "is_active": spec.is_active,
        "created_at": now,
        "updated_at": now,
    }


def model_of(row: Row) -> ModelSpec:
    config: ModelConfig = row.config
    return ModelSpec(
        name=row.name,
        provider=row.provider,
        model_id=row.model_id,
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        prices=config.prices,
        prior=config.prior,
        is_active=row.is_active,
    )


def lease_values(lease: Lease) -> Values:
    return {
        "key": lease.key,
        "sandbox_id": lease.sandbox,
        "provider": lease.provider,
        "machine_id": lease.machine,
        "image_id": lease.image,
        "is_networked": lease.networked,
        "asked_at": lease.asked_at,
        "expires_at": lease.expires_at,
    }


def lease_of(row: Row) -> Lease:
    return Lease(
        key=LeaseKey(row.key),
        sandbox=SandboxId(row.sandbox_id),
        provider=row.provider,
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        image=ImageId(row.image_id) if row.image_id else None,
        machine=MachineId(row.machine_id) if row.machine_id else None,
        networked=row.is_networked,
    )


def image_values(image: Image) -> Values:
    return {"name": image.name, "provider": image.provider, "image_id": image.image, "taken_at": image.taken_at}


def image_of(row: Row) -> Image:
    return Image(SnapshotId(row.name), row.provider, ImageId(row.image_id), row.taken_at)


def known_environment_of(row: Row) -> KnownEnvironment:
    return KnownEnvironment(row.repository_id, row.key, row.toolchain, row.found_at)


def workspace_of(row: Row) -> Workspace:
    return Workspace(row.repository_id, row.key, row.left_behind, row.used_at)


def health_values(health: Health) -> Values:
    return {
        "failures": health.failures,
        "failing_since": health.since,
        "probe_at": health.probe_at,
        "is_probing": health.probing,
    }


def health_of(row: Row) -> Health:
    return Health(row.failures, row.failing_since, row.probe_at, row.is_probing)


def operation_values(operation: Operation, *, id: str) -> Values:
    return {
        "id": id,
        "provider": operation.provider,
        "operation": operation.name,
        "attempt": operation.attempt,
        "at": operation.at,
        "latency_ms": round(operation.seconds * 1000),
        "outcome": operation.outcome,
        "sandbox_id": operation.sandbox,
    }


def operation_of(row: Row) -> Operation:
    seconds = row.latency_ms / 1000
    return Operation(row.provider, row.operation, row.attempt, row.at, seconds, row.outcome, row.sandbox_id)


def used_of(row: Row) -> Used:
    return Used(row.provider, row.operation, row.outcome, row.times, float(row.latency_ms) / 1000)
