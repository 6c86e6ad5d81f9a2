"""Fetching over HTTP, read-only, by `git http-backend`: the credentials are checked here, the protocol is git's own."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from bot.simulators.github.auth import BadCredentials, Token
from bot.simulators.github.gitdata import GIT_ENVIRONMENT, git_program
from bot.simulators.github.refusals import Refusal, moved
from bot.simulators.github.stage import Stage
from bot.simulators.github.state import Repository

CHUNK = 65_536


class SmartHttp:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def advertise(self, request: Request) -> Response:
        if request.query_params.get("service") != "git-upload-pack":
            self._stage.state.errors.append(f"only fetching is served: {request.url}")
            return PlainTextResponse("Pushing is not served here.", 403)
        return await self._serve(request, "/info/refs")

    async def upload_pack(self, request: Request) -> Response:
        return await self._serve(request, "/git-upload-pack")

    async def _serve(self, request: Request, path: str) -> Response:
        fault = self._stage.faults.take(request.method, request.scope["path"])
        if fault is not None:
            await fault.wait()
            if fault.status is not None:
                return PlainTextResponse(str(fault.body or "Server Error"), fault.status, fault.headers)
        try:
            repo = self._find(request)
        except Refusal as refusal:
            return PlainTextResponse(refusal.message, refusal.status, refusal.headers)
        return await self._run(request, repo, path)

    def _find(self, request: Request) -> Repository:
        name = f"{request.path_params['owner']}/{request.path_params['repo']}"
        state = self._stage.state
        repo = state.repository_named(name)
        renamed = state.repositories.get(state.old_names.get(name.lower(), 0))
        if repo is None and renamed is not None:
            rest = request.scope["path"].split(".git/", 1)[1]
            query = f"?{request.url.query}" if request.url.query else ""
            raise moved(301, f"{state.url}/{renamed.full_name}.git/{rest}{query}")
        self._authorize(request, repo)
        if repo is None:
            raise Refusal(404, "Repository not found.")
        return repo

    def _authorize(self, request: Request, repo: Repository | None) -> None:
        """A public repository may be fetched by anybody; wrong credentials are refused even there."""
        authorization = request.headers.get("authorization")
        challenge = {"WWW-Authenticate": 'Basic realm="GitHub"'}
        if authorization is None:
            if repo is None or repo.private:
                raise Refusal(401, "Repository not found.", headers=challenge)
            return
        try:
            caller = self._stage.authority.recognise(authorization)
        except BadCredentials as error:
            raise Refusal(401, "Invalid username or token.", headers=challenge) from error
        if not isinstance(caller, Token):
            raise Refusal(401, "Invalid username or token.", headers=challenge)
        if repo is not None and not caller.covers(repo):
            raise Refusal(404, "Repository not found.")
        if not caller.allows("contents", "read"):
            raise Refusal(403, "Write access to repository not granted.")

    async def _run(self, request: Request, repo: Repository, path: str) -> Response:
        headers, body = request.headers, await request.body()
        environment = {
            **GIT_ENVIRONMENT,
            "GIT_PROJECT_ROOT": str(repo.git.path),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": request.url.query,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": headers.get("content-type", ""),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
            "GIT_PROTOCOL": headers.get("git-protocol", ""),
        }
        process = await asyncio.create_subprocess_exec(
            git_program(),
            "http-backend",
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        feeding = asyncio.create_task(_feed(process, body))
        status, answered = await _read_headers(process)
        return StreamingResponse(_output(process, feeding), status, answered)


async def _feed(process: asyncio.subprocess.Process, body: bytes) -> None:
    if process.stdin is None:
        raise RuntimeError("git was started without a pipe")
    try:
        process.stdin.write(body)
        await process.stdin.drain()
    except ConnectionError:
        pass  # git has read enough, and says so in its answer
    finally:
        process.stdin.close()


async def _read_headers(process: asyncio.subprocess.Process) -> tuple[int, dict[str, str]]:
    """CGI: header lines, then an empty one."""
    if process.stdout is None:
        raise RuntimeError("git was started without a pipe")
    status, headers = 200, {}
    while line := (await process.stdout.readline()).decode().strip():
        name, _, value = line.partition(": ")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name] = value
    return status, headers


async def _output(process: asyncio.subprocess.Process, feeding: asyncio.Task[None]) -> AsyncIterator[bytes]:
    if process.stdout is None:
        raise RuntimeError("git was started without a pipe")
    try:
        while chunk := await process.stdout.read(CHUNK):
            yield chunk
        await feeding
        await process.wait()
    finally:
        feeding.cancel()
        if process.returncode is None:  # the client went away
            process.kill()
