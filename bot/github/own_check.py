"""The check run of our own: one on a commit, made or brought up to date, however often it is asked for."""

from __future__ import annotations

from typing import Any

import msgspec

from bot.core.model import Repo, Sha
from bot.core.trigger.own_check import NAME, OwnCheck
from bot.github.access import Access
from bot.github.client import Call, encoded
from bot.github.tokens import Purpose


class _App(msgspec.Struct, frozen=True):
    slug: str = ""


class _Output(msgspec.Struct, frozen=True):
    title: str | None = None
    summary: str | None = None


class _Run(msgspec.Struct, frozen=True):
    id: int
    external_id: str | None = None
    conclusion: str | None = None
    details_url: str | None = None
    output: _Output = _Output()
    app: _App | None = None


class _Runs(msgspec.Struct, frozen=True):
    check_runs: list[_Run]


async def show(at: Access, repo: Repo, commit: Sha, check: OwnCheck) -> None:
    """What says the same already is left alone, so that nobody is told of nothing."""
    async with at.turn(repo):
        run = await _made(at, repo, commit, check)
        if not _says(run, check):
            await _say(at, repo, run, check)


async def show_again(at: Access, repo: Repo, commit: Sha, check: OwnCheck) -> None:
    """Where somebody pressed *Re-run*, GitHub waits for it to be told, also of the same."""
    async with at.turn(repo):
        await _say(at, repo, await _made(at, repo, commit, check), check)


async def _made(at: Access, repo: Repo, commit: Sha, check: OwnCheck) -> _Run:
    """It is there already, or then."""
    slug = (await at.ourselves(repo, Purpose.OWN_CHECK)).login.removesuffix("[bot]")

    async def find() -> _Run | None:
        call = Call("GET", f"/commits{encoded(commit)}/check-runs", query={"check_name": NAME, "per_page": "100"})
        runs = (await at.ask(repo, Purpose.OWN_CHECK, call)).read(_Runs).check_runs
        ours = [run for run in runs if run.app is not None and run.app.slug == slug and run.external_id == check.key]
        return max(ours, key=lambda run: run.id, default=None)

    async def make() -> _Run:
        body = {"name": NAME, "head_sha": commit, "external_id": check.key, **_body(check)}
        return (await at.write(repo, Purpose.OWN_CHECK, Call("POST", "/check-runs", body))).read(_Run)

    return await at.find_or_make(repo, find, make)


async def _say(at: Access, repo: Repo, run: _Run, check: OwnCheck) -> None:
    await at.write(repo, Purpose.OWN_CHECK, Call("PATCH", f"/check-runs/{run.id}", _body(check), repeatable=True))


def _body(check: OwnCheck) -> dict[str, Any]:
    body: dict[str, Any] = {
        "status": "completed",
        "conclusion": check.conclusion.value,
        "output": {"title": check.title, "summary": check.summary},
        "actions": [msgspec.to_builtins(button) for button in check.buttons],
    }
    return {**body, "details_url": check.url} if check.url else body


def _says(run: _Run, check: OwnCheck) -> bool:
    same = (run.output.title, run.output.summary, run.conclusion) == (check.title, check.summary, check.conclusion)
    return same and (not check.url or run.details_url == check.url)
