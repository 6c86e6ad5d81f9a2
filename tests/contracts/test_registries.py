"""Asking the package managers of a machine: the machine is a directory of small programs that answer as those do."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.core.environment.registries import Told
from bot.registries import Host, SetUpReach, ask, this_host

SOON = 20.0  # seconds
NPM = 'test "$npm_config_userconfig" = user.rc && echo https://npm.test/ || echo "${REGISTRY:-https://npm.test/}"'
GO = 'test "$GOENV" = off && printf "https://go.test\\nsum.test\\n" || printf "https://u:secret@goproxy.corp.test\\noff\\n"'
CARGO = 'echo "Caused by:"; echo "  failed to download from \\`$INDEX/config.json\\`" >&2; exit 101'


def machine(tmp_path: Path, programs: Mapping[str, str], *, seconds: float = SOON, **env: str) -> Host:
    """One where only these programs are; not even Python and uv."""
    (folder := tmp_path / "bin").mkdir()
    (home := tmp_path / "home").mkdir()
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    for name in ("dirname", "head", "sleep", "yes"):
        (folder / name).symlink_to(shutil.which(name) or name)
    return Host({"PATH": str(folder), "HOME": str(home), **env}, python=str(folder / "python"), seconds=seconds)


def of(told: tuple[Told, ...], tool: str) -> Told:
    [one] = [one for one in told if one.tool == tool]
    return one


async def test_a_machine_without_any_tool(tmp_path: Path) -> None:
    found = await ask(machine(tmp_path, {}))
    assert (found.told, found.hosts, found.environment) == ((), (), {})
    assert {"pip and uv", "npm", "cargo", "maven"} <= set(found.absent)


async def test_the_pip_that_the_bot_runs_with_says_where_packages_come_from(tmp_path: Path) -> None:
    """The real one, and the real uv, whatever their registry is called. Nothing is asked over the network."""
    host = Host({"PATH": "/nowhere", "HOME": str(tmp_path)}, python=sys.executable, seconds=60)
    told = of((await ask(host)).told, "pip and uv")
    assert len(told.hosts) == 2
    assert all("." in name for name in told.hosts)
    assert (told.problem, list(tmp_path.glob(".solvebot-*/*"))) == ("", [])


async def test_what_a_killed_process_left_where_tools_are_asked_is_gone_with_the_next_question(tmp_path: Path) -> None:
    left = tmp_path / ".solvebot-questions" / "tmp12345678"
    left.mkdir(parents=True)
    (left / "package.json").write_text("{}")
    await ask(Host({"PATH": "/nowhere", "HOME": str(tmp_path)}, python=sys.executable, seconds=60))
    assert list(left.parent.iterdir()) == []


async def test_the_operators_mirror_of_real_tools(tmp_path: Path) -> None:
    (tmp_path / ".config" / "uv").mkdir(parents=True)
    (tmp_path / ".config" / "uv" / "uv.toml").write_text('index-url = "https://me:secret@uv.corp.test:8443/simple"\n')
    host = Host(
        {"PATH": "/nowhere", "HOME": str(tmp_path), "PIP_INDEX_URL": "https://me:secret@pip.corp.test/simple"},
        python=sys.executable,
        seconds=60,
    )
    found = await ask(host)
    told = of(found.told, "pip and uv")
    assert told.hosts == ("pip.corp.test", "uv.corp.test:8443")
    assert told.environment["PIP_INDEX_URL"] == "https://pip.corp.test/simple"
    assert told.environment["UV_DEFAULT_INDEX"].rstrip("/") == "https://uv.corp.test:8443/simple"
    assert "secret" not in repr(found)


async def test_what_each_program_answers(tmp_path: Path) -> None:
    node = "echo https://node.test/headers.tar.gz"
    found = await ask(
        machine(tmp_path, {"npm": NPM, "node": node, "go": GO}, REGISTRY="https://t:secret@npm.corp.test/")
    )
    assert of(found.told, "npm").hosts == ("npm.corp.test", "node.test")
    assert found.environment["npm_config_registry"] == "https://npm.corp.test/"
    assert of(found.told, "go") == Told(
        "go", ("goproxy.corp.test",), {"GOPROXY": "https://goproxy.corp.test", "GOSUMDB": "off"}
    )
    assert "secret" not in repr(found)


async def test_a_program_that_hangs_keeps_no_other_from_being_heard_and_is_ended(tmp_path: Path) -> None:
    hangs = f"echo $$ >>{tmp_path}/pids; sleep 600 & echo $! >>{tmp_path}/pids; wait"
    host = machine(tmp_path, {"npm": NPM, "go": hangs}, seconds=2.0)
    begun = time.monotonic()
    found = await ask(host)
    assert time.monotonic() - begun < SOON
    assert of(found.told, "npm").hosts == ("npm.test",)
    assert of(found.told, "go") == Told("go", problem="did not answer within 2 s", is_silent=True)
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 4  # it was asked twice
    assert [pid for pid in pids if _lives(pid)] == []


def _lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    "rubbish",
    ["yes https:// | head -c 3000000", "head -c 100000 /dev/urandom", "exit 3", "kill -9 $$", "echo https://10.1.2.3/"],
)
async def test_a_program_that_prints_rubbish(tmp_path: Path, rubbish: str) -> None:
    found = await ask(machine(tmp_path, {"go": rubbish, "npm": rubbish}))
    assert found.hosts == ()
    assert of(found.told, "npm") == Told("npm", problem="named no host")


async def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    host = machine(tmp_path, {"npm": ""})
    (tmp_path / "bin" / "npm").write_text("#!/nowhere/interpreter\n")
    assert of((await ask(host)).told, "npm") == Told("npm", problem="named no host")


async def test_nothing_of_the_directory_that_we_are_in_speaks(tmp_path: Path) -> None:
    """Tools are asked elsewhere, find nothing above them, and are not looked for here."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("npm", "cargo"):
        (clone / name).write_text("#!/bin/sh\necho https://evil.test/\n")
        (clone / name).chmod(0o755)
    (clone / ".npmrc").write_text("registry=https://evil.test/\n")
    where = 'd="$PWD"; while test "$d" != /; do d=$(dirname "$d"); test -e "$d/.npmrc" && echo https://evil.test/; done'
    host = machine(tmp_path, {"go": f"{where}; printf 'https://go.test\\nsum.test\\n'"})
    host = Host({**host.env, "PATH": f"::.:{host.env['PATH']}"}, python=host.python)
    before = Path.cwd()
    os.chdir(clone)
    try:
        found = await ask(host)
    finally:
        os.chdir(before)
    assert found.hosts == ("go.test", "sum.test")


async def test_a_home_that_cannot_be_written_to(tmp_path: Path) -> None:
    host = machine(tmp_path, {"npm": NPM})
    found = await ask(Host({**host.env, "HOME": "/proc/nowhere"}, python=host.python))
    assert of(found.told, "npm").hosts == ("npm.test",)


@asynccontextmanager
async def an_index(body: bytes) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}"


async def test_cargos_index_says_where_crates_are(tmp_path: Path) -> None:
    async with an_index(b'{"dl": "https://crates.test/crates"}') as url:
        told = of((await ask(machine(tmp_path, {"cargo": CARGO}, INDEX=url))).told, "cargo")
    assert told == Told("cargo", (url.removeprefix("http://"), "crates.test"))


async def test_an_index_that_does_not_answer(tmp_path: Path) -> None:
    told = of((await ask(machine(tmp_path, {"cargo": CARGO}, INDEX="http://localhost:1"))).told, "cargo")
    assert told == Told("cargo", ("localhost:1",), problem="its index did not say where packages are")


async def test_mavens_own_files_are_read(tmp_path: Path) -> None:
    installed = tmp_path / "maven"
    (installed / "lib").mkdir(parents=True)
    (installed / "lib" / "maven-model-builder-3.9.jar").write_bytes(b"no archive")
    host = machine(tmp_path, {"mvn": f"echo 'Maven home: {installed}'"})
    assert of((await ask(host)).told, "maven") == Told("maven", problem="named no host")
    (Path(host.env["HOME"]) / ".m2").mkdir()
    mirror = "<mirror><mirrorOf>*</mirrorOf><url>https://u:secret@corp.test/maven</url></mirror>"
    (Path(host.env["HOME"]) / ".m2" / "settings.xml").write_text(f"<settings><mirrors>{mirror}</mirrors></settings>")
    assert of((await ask(host)).told, "maven").hosts == ("corp.test",)


async def test_tools_are_asked_once_however_many_want_to_know(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    reach = SetUpReach(("auto", "extra.test"), machine(tmp_path, {"npm": f"echo once >>{asked}; {NPM}"}))
    assert not asked.exists()
    networks = await asyncio.gather(*(reach() for _ in range(5)))
    assert {network.hosts for network in networks} == {("npm.test", "extra.test")}
    assert asked.read_text() == "once\n" * 2  # with the operator's configuration, and without


async def test_who_did_not_answer_in_time_is_asked_again(tmp_path: Path) -> None:
    """And until then not even the registry that it has without configuration is open."""
    slow = f'test -e {tmp_path}/ready || test "$npm_config_userconfig" = user.rc || sleep 600; {NPM}'
    reach = SetUpReach(("auto",), machine(tmp_path, {"npm": slow}, seconds=2.0))
    assert (await reach()).hosts == ()
    (tmp_path / "ready").touch()
    assert (await reach()).hosts == ("npm.test",)
    (tmp_path / "bin" / "npm").unlink()
    assert (await reach()).hosts == ("npm.test",)


async def test_nothing_is_asked_where_the_operator_has_said_it(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    host = machine(tmp_path, {"npm": f"echo once >>{asked}; {NPM}"})
    assert (await SetUpReach(("own.test",), host)()).hosts == ("own.test",)
    assert (await SetUpReach(("none",), host)()).hosts == ()
    assert not asked.exists()


def test_no_tool_is_given_a_key_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_API_KEY", "secret")
    monkeypatch.setenv("PIP_INDEX_URL", "https://corp.test/simple")
    env = this_host().env
    assert "MODEL_API_KEY" not in env
    assert env["PIP_INDEX_URL"] == "https://corp.test/simple"
