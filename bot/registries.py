"""Asks package managers where packages come from. core/environment/package_managers.py reads the answers.

They are asked as the operator has set them up, without our own settings, side by side and once per process. None has
longer than `SECONDS` for an answer, and one that is missing, hangs or prints rubbish keeps no other from being heard.
The directory where they are asked is made where nobody else puts files: tools also read what lies above it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from tempfile import gettempdir

import aiohttp
import structlog

from bot.core.environment.package_managers import Question, Tool, cargo_index, read_maven, tools, with_downloads
from bot.core.environment.registries import MAX_ANSWER, Registries, SetUpNetwork, Told, is_auto, network
from bot.sandbox.local.process import end_processes, is_marked
from bot.sandbox.local.spawn import Plan, start
from bot.settings import Settings
from bot.temporary_files import own_directory

log = structlog.get_logger()

SECONDS = 20.0  # for one question
_AT_ONCE = 4
_MARK = "SOLVEBOT_QUESTION"
_QUESTIONS = ".solvebot-questions"
_MAX_JAR = 20 * 1024**2


@dataclass(frozen=True, slots=True)
class Host:
    """`env` is the operator's environment. `seconds` for one question."""

    env: Mapping[str, str]
    python: str = sys.executable
    seconds: float = SECONDS
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    @property
    def uv(self) -> str:
        """The one that came with us."""
        own = Path(self.python).parent / "uv"
        return str(own) if own.exists() else "uv"

    def program(self, name: str) -> str | None:
        """Where it is. Not where PATH means the current directory."""
        path = os.pathsep.join(part for part in self.env.get("PATH", os.defpath).split(os.pathsep) if part[:1] == "/")
        return shutil.which(name, path=path)


def this_host() -> Host:
    """As the bot was started, without what is ours: no tool needs a key for GitHub."""
    ours = {setting.metadata["name"] for setting in fields(Settings)}
    return Host({name: value for name, value in os.environ.items() if name not in ours})


class SetUpReach:
    """What set-up may reach, and what its commands are told of it.

    Tools are asked when it is needed first; and again the next time where one did not answer in time.
    """

    def __init__(self, words: Sequence[str], host: Host) -> None:
        self._words = words
        self._host = host
        self._turn = asyncio.Lock()
        self._found: SetUpNetwork | None = None

    async def __call__(self) -> SetUpNetwork:
        async with self._turn:
            if self._found is not None:
                return self._found
            registries = await ask(self._host) if is_auto(self._words) else Registries()
            for told in registries.told:
                log.info("registries.found", tool=told.tool, hosts=told.hosts, problem=told.problem)
            found = network(self._words, registries)
            if not any(told.is_silent for told in registries.told):
                self._found = found
            return found


async def ask(host: Host) -> Registries:
    """All of them. Never raises: what cannot be learned is missing, with a reason."""
    with _nowhere() as address:
        asked = tools(host.python, host.uv, address)
        answered = await asyncio.gather(*(_ask_tool(host, tool) for tool in asked), _maven(host))
    told = [answer for answer in answered if isinstance(answer, Told)]
    absent = [answer for answer in answered if isinstance(answer, str)]
    return Registries(tuple(told), tuple(absent))


async def _ask_tool(host: Host, tool: Tool) -> Told | str:
    """Its name where none of its programs is there."""
    if not any(host.program(question.words[0]) for question in tool.questions):
        return tool.name
    answers = await asyncio.gather(*(_answer(host, question) for question in tool.questions))
    said = [answer for answer in answers if answer is not None]
    if len(said) < len(answers):
        return _silent(host, tool.name)
    told = tool.read(said)
    if tool.name == "cargo" and (index := cargo_index(said)) is not None:
        told = with_downloads(told, await _look(host, index.url))
    return told if told.hosts or told.problem else Told(tool.name, problem="named no host")


def _silent(host: Host, tool: str) -> Told:
    """Not even what else it said counts: it may have a mirror, and not have told of it."""
    return Told(tool, problem=f"did not answer within {host.seconds:g} s", is_silent=True)


async def _answer(host: Host, question: Question) -> str | None:
    """ "" where the program is missing or cannot be started; None where it does not end in time."""
    program = host.program(question.words[0])
    if program is None:
        return ""
    async with host.places:
        try:
            with own_directory(_place(host) / _QUESTIONS) as directory:
                for name, content in question.files.items():
                    (directory / name).write_text(content)
                return await _run(host, (program, *question.words[1:]), question.env, str(directory))
        except OSError:
            return ""


async def _run(host: Host, words: Sequence[str], env: Mapping[str, str | None], directory: str) -> str | None:
    mark = secrets.token_hex(8)
    whole = {**host.env, **env, "PWD": directory, _MARK: mark}
    plan = Plan(
        argv=words,
        env={name: value for name, value in whole.items() if value is not None},
        cwd=directory,
        in_our_session=True,
        end_rest=lambda: end_processes(lambda pid: is_marked(pid, f"{_MARK}={mark}")),
    )
    done = await start(plan, output_limit=MAX_ANSWER).finish(host.seconds)
    return None if done.timed_out else done.output


def _place(host: Host) -> Path:
    """The operator's home, where nobody else writes configuration. Only where there is none, somewhere else."""
    places = (Path(host.env.get("HOME", "")), Path("/var/tmp"))
    usable = (place for place in places if place.is_absolute() and os.access(place, os.W_OK))
    return next(usable, Path(gettempdir()))


@contextmanager
def _nowhere() -> Iterator[str]:
    """The address of a proxy that refuses every connection, at once: nobody listens there, and nobody else can."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


async def _look(host: Host, url: str) -> str:
    """A small file of a registry's; "" when it cannot be had."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(host.seconds), trust_env=True) as session,
            session.get(url) as answer,
        ):
            content = await answer.content.read(MAX_ANSWER) if answer.status == 200 else b""
            return content.decode(errors="replace")
    except (aiohttp.ClientError, TimeoutError, OSError):
        return ""


# --------------------------------------------------------------------------------------------------------------- maven


async def _maven(host: Host) -> Told | str:
    """It has no command that says so without plugins, so its own files are read."""
    if host.program("mvn") is None:
        return "maven"
    said = await _answer(host, Question(("mvn", "-version")))
    if said is None:
        return _silent(host, "maven")
    home = next((line.partition(":")[2].strip() for line in said.splitlines() if "home:" in line), "")
    if not home:
        return Told("maven", problem="does not say where it is installed")
    return await asyncio.to_thread(_read_maven, Path(home), Path(host.env.get("HOME", "/nowhere")))


def _read_maven(installed: Path, home: Path) -> Told:
    jars = sorted(installed.glob("lib/maven-model-builder-*.jar"))
    super_pom = next(filter(None, map(_super_pom, jars)), "")
    settings = [_text(path) for path in (home / ".m2/settings.xml", installed / "conf/settings.xml")]
    told = read_maven(super_pom, settings)
    return told if told.hosts else Told("maven", problem="named no host")


def _super_pom(jar: Path) -> str:
    try:
        if jar.stat().st_size > _MAX_JAR:
            return ""
        with zipfile.ZipFile(jar) as archive, archive.open("org/apache/maven/model/pom-4.0.0.xml") as file:
            return file.read(MAX_ANSWER).decode(errors="replace")
    except (OSError, KeyError, zipfile.BadZipFile):
        return ""


def _text(path: Path) -> str:
    try:
        with path.open(errors="replace") as file:
            return file.read(MAX_ANSWER)
    except OSError:
        return ""
