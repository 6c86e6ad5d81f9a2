"""The tables, as they are. How they came to be is in migrations/, and a test proves that both agree.

Times are UTC. Values of core.model that nobody filters by are JSON texts, written and read by msgspec; what people
and queries ask for has a column of its own. A column `status` holds the words of `Status`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Table
from sqlalchemy.types import BigInteger, Boolean, Float, Integer, LargeBinary, Text

from bot.core.access import Scope
from bot.core.choosing.approval import Approval
from bot.core.choosing.overlap import Overlap
from bot.core.evidence.behaviour import Probed
from bot.core.evidence.pool import PooledTest
from bot.core.model import (
    Baseline,
    Candidate,
    Compared,
    Consulted,
    Decision,
    Evidence,
    ExitStatus,
    Experiment,
    Fate,
    IssueTests,
    Limits,
    Minimal,
    Prices,
    PullRequest,
    SetUp,
    SolveOptions,
    Status,
    Task,
    Toolchain,
    Trigger,
)
from bot.core.resilience.turns import Turn
from bot.core.trigger.batches import Batch
from bot.core.trigger.pull_watch import PullWatch
from bot.core.views import EventKind
from bot.store.columns import Json, Prose, Utc, Word
from bot.store.columns import storable as storable


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What `ai_models.config` holds."""

    temperature: float | None
    max_tokens: int | None
    prices: Prices | None
    prior: float


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What `solve_runs.diagnostics` holds: the last command of the agent."""

    command: str


ACTIVE = sa.text("status IN ('pending', 'running')")
"""Literal in the index and in every query that means it: a database proves nothing about parameters."""

WAITING = sa.text("handed_at IS NULL")
HANDED = sa.text("handed_at IS NOT NULL")

metadata = sa.MetaData()

users = Table(
    "users",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # GitHub's
    Column("login", Text, nullable=False),
    Column("is_bot", Boolean, nullable=False),
    Column("updated_at", Utc, nullable=False),
)

installations = Table(
    "installations",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # GitHub's
    Column("account", Text, nullable=False),
    Column("is_suspended", Boolean, nullable=False),
    Column("removed_at", Utc),
    Column("updated_at", Utc, nullable=False),
)

repositories = Table(
    "repositories",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # GitHub's; survives renames and transfers
    Column("installation_id", BigInteger, nullable=False),  # no foreign key: events come in any order
    Column("name", Text, nullable=False),
    Column("is_archived", Boolean, nullable=False),
    Column("is_deleted", Boolean, nullable=False),
    Index("repositories_by_installation", "installation_id"),
    Index("repositories_by_name", "name"),
)

ai_models = Table(
    "ai_models",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),  # what people type
    Column("provider", Text, nullable=False),
    Column("model_id", Text, nullable=False),
    Column("config", Json(ModelConfig), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
)

solves = Table(
    "solves",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", BigInteger, ForeignKey("users.id"), nullable=False),
    Column("repository_id", BigInteger, ForeignKey("repositories.id"), nullable=False),
    Column("repo_url", Text, nullable=False),
    Column("issue_number", Integer, nullable=False),
    Column("issue_title", Prose, nullable=False),
    Column("issue_body", Prose, nullable=False),
    Column("trigger", Json(Trigger), nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("revises", Text),  # whose pull request it changes; no foreign key: the solve may be forgotten before
    Column("asked", Prose),
    Column("batch", Text),  # no foreign key: it may be forgotten before
    Column("reserved", Float),  # dollars that were set aside for it when it was accepted
    Column("options", Json(SolveOptions), nullable=False),
    Column("status", Word(Status), nullable=False),
    Column("base_branch", Text),
    Column("base_sha", Text),
    Column("task", Json(Task)),
    Column("toolchain", Json(Toolchain)),
    Column("setup_agent", Json(Consulted)),  # its dollars are in `cost`
    Column("matrix", Json(tuple[Experiment, ...])),
    Column("limits", Json(Limits)),
    Column("baseline", Json(Baseline)),
    Column("issue_tests", Json(IssueTests)),  # its dollars are in `cost`
    Column("pool", Json(tuple[PooledTest, ...])),
    Column("probed", Json(Probed)),
    Column("compared", Json(Compared)),  # its dollars are in `cost`
    Column("minimal", Json(Minimal)),
    Column("approval", Json(Approval)),
    Column("overlaps", Json(tuple[Overlap, ...])),
    Column("decision", Json(Decision)),
    Column(
        "champion_run_id",
        Text,
        # use_alter: the two tables point at each other, and one has to be there first
        ForeignKey("solve_runs.id", name="solves_champion", ondelete="SET NULL", use_alter=True),
    ),
    Column("comment_id", BigInteger),
    Column("shown", Text),  # a digest of what the comment says
    Column("set_up", Json(SetUp)),
    Column("pull_request", Json(PullRequest)),
    Column("pr_number", Integer),
    Column("pr_url", Text),
    Column("head_sha", Text),  # the commit that we pushed
    Column("watch", Json(PullWatch)),
    Column("fate", Word(Fate)),  # what people did with the pull request
    Column("fate_at", Utc),
    Column("fate_why", Prose),
    Column("cost", Float),  # dollars of all runs and all else, once it is over
    Column("error_message", Prose, nullable=False),
    Column("incident", Text, nullable=False),
    Column("ended_by", Text, nullable=False),
    Column("notes", Json(tuple[str, ...]), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("started_at", Utc),
    Column("completed_at", Utc),
    Column("updated_at", Utc, nullable=False),
    Index("solves_by_time", "created_at", "id"),
    Index("solves_by_repository", "repository_id", "created_at", "id"),
    Index("solves_by_person", "requested_by", "created_at", "id"),
    Index("solves_by_issue", "repository_id", "issue_number", "created_at"),
    Index("solves_by_pull", "repository_id", "pr_number", "created_at"),
    Index("solves_by_original", "revises", "created_at"),
    Index("solves_by_head", "repository_id", "head_sha"),
    Index("solves_by_fate", "fate_at"),
    Index("solves_by_end", "completed_at"),
    Index("solves_by_champion", "champion_run_id"),
    Index("solves_by_acceptance", "created_at"),
    Index(
        "one_active_solve_per_issue",
        "repository_id",
        "issue_number",
        unique=True,
        sqlite_where=ACTIVE,
        postgresql_where=ACTIVE,
    ),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("batch", Json(Batch), nullable=False),
    Column("created_at", Utc, nullable=False),
    Index("batches_by_time", "created_at"),
)

solve_runs = Table(
    "solve_runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("solve_id", Text, ForeignKey("solves.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),  # `Experiment.index`: the rest of the experiment is in solves.matrix
    Column("model", Text, nullable=False),
    Column("temperature", Float),
    Column("max_edits", Integer, nullable=False),  # its limit of steps
    Column("evolution", Text, nullable=False),  # its strategy
    Column("status", Word(Status), nullable=False),
    Column("sandbox_id", Text),
    Column("steps", Integer, nullable=False),
    Column("cost", Float, nullable=False),  # dollars
    Column("tokens", BigInteger, nullable=False),  # input and output together
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("latency_ms", BigInteger, nullable=False),
    Column("diagnostics", Json(Diagnostics)),
    Column("exit_status", Word(ExitStatus)),
    Column("error_message", Prose, nullable=False),
    Column("logs_url", Text),
    Column("pr_url", Text),
    Column("patch", Text),
    Column("candidate", Json(Candidate)),  # all of it but the patch
    Column("loc_changed", Integer),
    Column("files_changed", Integer),
    Column("evidence", Json(Evidence)),
    Column("tests_passed", Boolean),
    Column("trajectory", LargeBinary),
    Column("created_at", Utc, nullable=False),
    Column("started_at", Utc),
    Column("completed_at", Utc),
    Column("updated_at", Utc, nullable=False),
    Index("runs_by_solve", "solve_id", "position", unique=True),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("guid", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("handed_at", Utc),
    Column("attempt", Integer, nullable=False),
    Index("deliveries_by_time", "received_at", "guid"),
    Index("deliveries_waiting", "received_at", sqlite_where=WAITING, postgresql_where=WAITING),
    Index("deliveries_handed", "handed_at", sqlite_where=HANDED, postgresql_where=HANDED),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Text, primary_key=True),  # a digest of all the rest, so that saying it twice is saying it once
    Column("at", Utc, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Json(dict[str, Any]), nullable=False),
    Index("audit_by_time", "at"),
)

turns = Table(
    "turns",
    metadata,
    Column("name", Text, primary_key=True),
    Column("turn", Json(Turn), nullable=False),
)

known_environments = Table(
    "known_environments",
    metadata,
    Column("repository_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False),
    Column("toolchain", Json(Toolchain), nullable=False),
    Column("found_at", Utc, nullable=False),
)

vain_searches = Table(
    "vain_searches",
    metadata,
    Column("repository_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False),
    Column("at", Utc, nullable=False),
)

prepared_workspaces = Table(
    "prepared_workspaces",
    metadata,
    Column("repository_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False),
    Column("left_behind", Json(dict[str, str]), nullable=False),
    Column("used_at", Utc, nullable=False),
)

events = Table(
    "events",
    metadata,
    # SQLite gives the same number again when the newest row was deleted, unless it is told not to
    Column("seq", sa.BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("solve_id", Text, ForeignKey("solves.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Word(EventKind), nullable=False),
    Column("run", Integer, nullable=False),  # `Experiment.index`; 0: about the solve as a whole
    Column("data", Json(dict[str, Any]), nullable=False),
    Column("at", Utc, nullable=False),
    Index("events_by_solve", "solve_id", "seq"),
    sqlite_autoincrement=True,
)

outbox = Table(
    "outbox",
    metadata,
    Column(
        "seq", sa.BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    ),  # of the event
    Column("tries", Integer, nullable=False),  # that failed
    Column("due_at", Utc),  # None: it is told, given up, or not to be told
    Column("ended_at", Utc),
    Column("problem", Prose, nullable=False),
    Index("outbox_by_due", "due_at"),
    Index("outbox_by_end", "ended_at"),
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),  # of the token, which itself is kept nowhere
    Column("name", Prose, nullable=False),
    Column("user_id", BigInteger, nullable=False),  # no foreign key: who has a token need not have asked for a solve
    Column("login", Text, nullable=False),
    Column("scopes", Json(frozenset[Scope]), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("revoked_at", Utc),
    Column("last_used_at", Utc),
    Index("access_tokens_by_owner", "user_id", "created_at"),
)

api_requests = Table(
    "api_requests",
    metadata,
    Column("id", Text, primary_key=True),  # made from who asks and their key, so that asking again is the same request
    Column("digest", Text, nullable=False),  # of what was asked: the same key for something else is a mistake
    Column("user_id", BigInteger, nullable=False),
    Column("repository_id", BigInteger, nullable=False),
    Column("asked_at", Utc, nullable=False),
    Column("answered_at", Utc),
    Column("solve_id", Text),  # no foreign key: the request may be kept longer
    Column("refused", Boolean),
    Column("answer", Prose),
    Index("api_requests_by_time", "asked_at"),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("digest", Text, primary_key=True),  # of what the browser holds, which itself is kept nowhere
    Column("user_id", BigInteger, nullable=False),  # no foreign key: who looks need not have asked for a solve
    Column("login", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Index("web_sessions_by_end", "expires_at"),
)
