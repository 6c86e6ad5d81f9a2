"""The environment, read once, at the start, by nobody else.

A setting is one field of `DeclaredSettings`: its type says how the text is read, its metadata what it is called and
what it means. README's table and `.env` are checked against these fields by a test. All problems are told together.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values

from bot.core.operations.setting_names import Misnamed, misnamed
from bot.declared_settings import DeclaredSettings, Secret
from bot.setting_readers import READERS
from bot.setting_rules import missing, wrong


def environment(*, solving: Path | None = None) -> dict[str, str]:
    """What is set, over what `.env` in the current directory says.

    Not in a clone whose issues are being solved: there it is whatever somebody has committed.
    """
    here = Path.cwd()
    found = {} if solving is not None and here.is_relative_to(top_of(solving)) else dotenv_values(".env")
    return {**{name: value for name, value in found.items() if value is not None}, **os.environ}


def environment_in(directory: Path) -> dict[str, str]:
    """The same, for what is to be started there."""
    found = {name: value for name, value in dotenv_values(directory / ".env").items() if value is not None}
    return {**found, **os.environ}


def top_of(path: Path) -> Path:
    """Of the clone that it lies in."""
    path = path.resolve()
    return next((above for above in (path, *path.parents) if (above / ".git").exists()), path)


def unread(names: Collection[str]) -> tuple[Misnamed, ...]:
    """Of those that are set: renamed or mistyped settings, which nobody reads."""
    return misnamed(names, [setting.metadata["name"] for setting in fields(Settings)])


class SettingsError(Exception):
    """Every problem, one sentence each: what is wrong and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(DeclaredSettings):
    @property
    def own_metrics_port(self) -> int:
        """Of `serve` and `web`; 0, as PORT may be: any that is free."""
        return self.metrics_port or (self.port + 1 if self.port else 0)

    @property
    def store_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data.absolute() / 'solvebot.sqlite'}"

    @property
    def engine_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data.absolute() / 'engine.sqlite'}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret text, for redaction by exact value."""
        kept = (self.private_key, self.client_secret, self.model_key, self.e2b_key, self.notify_secret)
        named = [secret.reveal() for secret in (*kept, *self.webhook_secrets)]
        password = urlsplit(self.database_url).password or ""
        return tuple(filter(None, (*named, password, unquote(password))))

    def with_found_bubblewrap(self) -> Settings:
        """The one that `make` unpacked into .venv, where the system has none."""
        own = Path(sys.prefix) / "bin" / "bwrap"
        return replace(self, bubblewrap=own) if not self.bubblewrap.exists() and own.exists() else self

    def without_isolation(self) -> Settings:
        return replace(self, run_untrusted_code_without_isolation=True)

    @classmethod
    def from_env(cls, env: Mapping[str, str], *, serving: bool = True) -> Settings:
        """Read all of it. `serving`: what the App needs to answer GitHub is missing otherwise, and is asked for."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        unreadable: set[str] = set()
        types = get_type_hints(cls)
        for setting in fields(cls):
            name = setting.metadata["name"]
            text = env.get(name, "").strip()
            if not text:
                continue
            try:
                values[setting.name] = READERS[types[setting.name]](text)
            except ValueError as error:
                problems.append(f"{name} is {error}")
                unreadable.add(name)
        settings = cls(**values)
        if "attempts" not in values:  # whoever allows fewer than are usual wants that many
            settings = replace(settings, attempts=min(settings.attempts, max(settings.max_attempts, 1)))
        problems += wrong(settings)
        if serving:
            problems += [problem for problem in missing(settings) if problem.split()[0] not in unreadable]
        if problems:
            raise SettingsError(problems)
        return settings.with_found_bubblewrap()


def secret_texts(env: Mapping[str, str]) -> tuple[str, ...]:
    """Whatever in the environment is meant to be secret, readable or not, for redaction of what is said about it."""
    types = get_type_hints(Settings)
    secret = {each.metadata["name"] for each in fields(Settings) if types[each.name] in (Secret, tuple[Secret, ...])}
    found = [part for name in secret for part in (env.get(name, ""), *env.get(name, "").split(","))]
    with suppress(ValueError):
        password = urlsplit(env.get("DATABASE_URL", "")).password or ""
        found += [password, unquote(password)]
    return tuple(filter(None, (text.strip() for text in found)))
