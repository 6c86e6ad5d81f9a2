"""What an endpoint is given, what it answers, and how it says which permission it needs."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.routing import compile_path

from bot.simulators.github.auth import AsApp, AsUser, Caller, Token
from bot.simulators.github.refusals import Refusal, forbidden, moved, not_found
from bot.simulators.github.stage import Stage
from bot.simulators.github.state import Account, Issue, Json, Repository

T = TypeVar("T")
IN_REPOSITORY = "/repos/{owner}/{repo}"
BY_ID = "/repositories/{repository_id:int}"
PER_PAGE, MOST_PER_PAGE = 30, 100
NOT_ACCESSIBLE = "Resource not accessible by integration"


@dataclass(frozen=True, slots=True)
class Answer:
    """`body`: JSON, or bytes of `media_type`, or nothing."""

    body: Json | list[Any] | bytes | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json; charset=utf-8"


CREATED = 201
NO_CONTENT = Answer(status=204)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`needs` is "nobody", "app" (the App's own token), "user" (one of a person), "any" (any token) or permissions of
    an installation token, each of which is enough: "issues: write | pull_requests: write"."""

    method: str
    path: str
    handler: Callable[[Call], Awaitable[Answer]]
    needs: str

    @property
    def permissions(self) -> list[tuple[str, str]]:
        if self.needs in ("nobody", "app", "user", "any"):
            return []
        return [(name.strip(), level.strip()) for name, _, level in (n.partition(":") for n in self.needs.split("|"))]


class Table:
    """All endpoints; those in a repository answer under its name and under its id."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._rows: list[tuple[str, re.Pattern[str], dict[str, Any], Endpoint]] = []
        for endpoint in endpoints:
            for path in dict.fromkeys((endpoint.path, endpoint.path.replace(IN_REPOSITORY, BY_ID))):
                pattern, _, convertors = compile_path(path)
                self._rows.append((endpoint.method, pattern, convertors, endpoint))

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, Any]] | None:
        for known, pattern, convertors, endpoint in self._rows:
            if known == method and (match := pattern.match(path)):
                return endpoint, {key: convertors[key].convert(value) for key, value in match.groupdict().items()}
        return None


@dataclass(slots=True)
class Call:
    """One authenticated request. `body` is the JSON object that was sent, empty when there was none."""

    request: Request
    stage: Stage
    endpoint: Endpoint
    parameters: dict[str, Any]
    caller: Caller
    body: Json
    _repo: Repository | None = None

    # ---------------------------------------------------------------------------------------------------- access

    def authorize(self) -> None:
        """Raises what GitHub answers to callers who may not do this at all."""
        if self.endpoint.needs == "app":
            if not isinstance(self.caller, AsApp):
                raise Refusal(401, "A JSON web token could not be decoded")
            return
        if self.endpoint.needs == "user":
            if not isinstance(self.caller, AsUser):
                raise Refusal(403, NOT_ACCESSIBLE)
            return
        if self.endpoint.needs in ("nobody", "any"):
            return
        token = self.token
        if "owner" in self.parameters or "repository_id" in self.parameters:
            self._repo = self._find_repository(token)
        if not any(token.allows(name, level) for name, level in self.endpoint.permissions):
            raise self._missing_permission()
        if self._repo is not None and self._repo.archived and self.request.method != "GET":
            raise forbidden("Repository was archived so is read-only.")

    def _missing_permission(self) -> Refusal:
        accepted = "; ".join(f"{name}={level}" for name, level in self.endpoint.permissions)
        return Refusal(403, NOT_ACCESSIBLE, headers={"X-Accepted-GitHub-Permissions": accepted})

    @property
    def token(self) -> Token:
        if not isinstance(self.caller, Token):
            raise Refusal(401, "Bad credentials")
        return self.caller

    @property
    def bot(self) -> Account:
        return self.stage.app.bot

    @property
    def repo(self) -> Repository:
        if self._repo is None:
            raise not_found()
        return self._repo

    def _find_repository(self, token: Token) -> Repository:
        state, renamed = self.stage.state, False
        if "repository_id" in self.parameters:
            repo = state.repositories.get(self.parameters["repository_id"])
        else:
            name = f"{self.parameters['owner']}/{self.parameters['repo']}"
            repo = state.repository_named(name)
            if repo is None and name.lower() in state.old_names:
                repo, renamed = state.repositories.get(state.old_names[name.lower()]), True
        if repo is None or not token.covers(repo):
            raise not_found()
        if renamed:
            status = 301 if self.request.method == "GET" else 307
            raise moved(status, f"{state.url}{self._path_by_id(repo)}{self._query_string()}")
        return repo

    def _path_by_id(self, repo: Repository) -> str:
        raw = self.request.scope["raw_path"].decode()
        rest = raw.split("/", 4)[4:] if raw.startswith("/repos/") else raw.split("/", 3)[3:]
        return "/".join(["", "repositories", str(repo.id), *rest])

    def _query_string(self) -> str:
        query = self.request.url.query
        return f"?{query}" if query else ""

    def issue(self) -> Issue:
        """Of the path's `number`. Pull requests are issues too, but plain issues need the `issues` permission."""
        number: int = self.parameters["number"]
        issue = self.repo.issues.get(number)
        if issue is None:
            raise self._why_no_issue(number)
        level = dict(self.endpoint.permissions).get("issues")
        if issue.pull is None and level is not None and not self.token.allows("issues", level):
            raise self._missing_permission()
        return issue

    def _why_no_issue(self, number: int) -> Refusal:
        if number in self.repo.moved_issues:
            repository, new = self.repo.moved_issues[number]
            rest = self.request.scope["path"].partition(f"/issues/{number}")[2]
            return moved(301, f"{self.stage.state.url}/repositories/{repository}/issues/{new}{rest}")
        if number in self.repo.deleted_issues:
            return Refusal(410, "This issue was deleted")
        return not_found()

    # ---------------------------------------------------------------------------------------------------- reading

    def text(self, name: str) -> str:
        value = self.optional_text(name)
        if value is None:
            raise Refusal(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
        return value

    def optional_text(self, name: str) -> str | None:
        value = self.body.get(name)
        if value is not None and not isinstance(value, str):
            raise wrong_type(name, value, "a string")
        return value

    def flag(self, name: str) -> bool:
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            raise wrong_type(name, value, "a boolean")
        return value

    def texts(self, name: str) -> list[str]:
        value = self.body.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise wrong_type(name, value, "an array of strings")
        return value

    def objects(self, name: str) -> list[Json]:
        value = self.body.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise wrong_type(name, value, "an array of objects")
        return value

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    # -------------------------------------------------------------------------------------------------- answering

    @property
    def page_size(self) -> int:
        return min(MOST_PER_PAGE, _positive(self.query("per_page"), PER_PAGE))

    def listing(self, items: Sequence[T], shape: Callable[[T], Json], *, wrap: str | None = None) -> Answer:
        """One page of the items, with `Link`. `wrap`: the name of the list inside an object with `total_count`."""
        size = self.page_size
        page = _positive(self.query("page"), 1)
        last = max(1, math.ceil(len(items) / size))
        shown: list[Any] = [shape(item) for item in items[(page - 1) * size : page * size]]
        links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        wanted = {
            k: n for k, n in links.items() if 1 <= n <= last and (n > page if k in ("next", "last") else n < page)
        }
        header = ", ".join(f'<{self._page_url(n)}>; rel="{name}"' for name, n in wanted.items())
        body: Json | list[Any] = shown if wrap is None else {"total_count": len(items), wrap: shown}
        return Answer(body, headers={"Link": header} if header else {})

    def _page_url(self, page: int) -> str:
        query = dict(self.request.query_params) | {"page": str(page)}
        path = self._path_by_id(self._repo) if self._repo else self.request.scope["raw_path"].decode()
        return f"{self.stage.state.url}{path}?{urlencode(query)}"


def wrong_type(name: str, value: object, wanted: str) -> Refusal:
    return Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not {wanted}.")


def _positive(value: str, default: int) -> int:
    return int(value) if value.isascii() and value.isdigit() and int(value) > 0 else default
