"""What `solvebot doctor` finds: on a set-up that works, and on each that does not."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.checks import of_git, refuse_what_cannot_work
from bot.core.environment.registries import Registries, Told
from bot.doctor import as_json, examine, reach
from bot.findings import Health, Unfit
from bot.settings import Settings, SettingsError
from bot.simulators.e2b import World as LentWorld
from bot.simulators.e2b import e2b
from bot.simulators.github import GitHubSimulator
from bot.simulators.serving import serving
from tests.contracts.local_sandboxes import bwrap
from tests.stories.shell import Shell, a_shell
from tests.stories.world import FIXES, KEY, SECRET

MODEL_KEY = "sk-or-v1-right"


async def check_key(request: Request) -> Response:
    right = request.headers.get("Authorization") == f"Bearer {MODEL_KEY}"
    return Response('{"data": {}}' if right else '{"error": {}}', 200 if right else 401)


@pytest.fixture
async def provider() -> AsyncIterator[str]:
    """As OpenRouter: everybody may read the list of models, and the key is told about itself."""
    routes = [
        Route("/api/v1/key", check_key),
        Route("/api/v1/models", lambda _request: Response('{"data": []}')),
        Route("/v1/models", check_key),
    ]
    async with serving(Starlette(routes=routes)) as url:
        yield f"{url}/api/v1"


@pytest.fixture
async def github(tmp_path: Path) -> AsyncIterator[GitHubSimulator]:
    github = GitHubSimulator(tmp_path / "github", webhook_secret=SECRET, private_key_pem=KEY)
    async with github.serving("http://127.0.0.1:9/webhook"):
        yield github


@pytest.fixture
def env(tmp_path: Path, provider: str, github: GitHubSimulator) -> dict[str, str]:
    """Nothing to complain of. Isolation is not the subject here."""
    return {
        "GITHUB_APP_ID": str(github.app.app_id),
        "GITHUB_PRIVATE_KEY": KEY,
        "GITHUB_WEBHOOK_SECRET": SECRET,
        "GITHUB_API_URL": github.url,
        "MODEL_BASE_URL": provider,
        "MODEL_API_KEY": MODEL_KEY,
        "DATA_DIR": str(tmp_path / "data"),
        "RUN_UNTRUSTED_CODE_WITHOUT_ISOLATION": "true",
        "PORT": "0",
        "SETUP_HOSTS": "none",
    }


async def examined(env: Mapping[str, str], width: int = 80) -> tuple[int, list[str]]:
    """The exit code, and what is said, a line each."""
    said = StringIO()
    code = await examine(env, Console(file=said, width=width))
    return code, said.getvalue().splitlines()


def about(subject: str, lines: list[str]) -> str:
    [line] = [line for line in lines if line[2:].startswith(f"{subject}: ")]
    return line


async def test_the_doctor_of_a_set_up_that_works_and_of_one_that_does_not(tmp_path: Path) -> None:
    async with a_shell(tmp_path, FIXES) as (solvebot, _, github):
        github.webhooks.url = "http://127.0.0.1:9/webhook"
        code, out, err = await solvebot("doctor")
        assert code == 0, out + err
        assert "knows this App as solvebot" in out
        assert "Ready to serve, but the check of the model key was not reached." in out

        solvebot.env["GITHUB_APP_ID"] = "1"
        solvebot.env["MODELS"] = "nobody"
        solvebot.env["MODEL_API_KEY"] = ""
        code, out, _ = await solvebot("doctor")
        assert code == 1
        for words in ("does not know this App", "MODEL_API_KEY is missing", "nobody", "\n3 to mend"):
            assert words in out
        assert "Traceback" not in out
        assert github.errors == []


async def test_nothing_to_complain_of(env: dict[str, str]) -> None:
    code, lines = await examined(env)
    assert code == 0, lines
    assert about("model key", lines).startswith("✓")
    assert not [line for line in lines if line.startswith("✗")]
    assert lines[-1] == "Ready to serve."


def weaker(github: GitHubSimulator) -> None:
    github.app.permissions = {**github.app.permissions, "contents": "read"}


def deaf(github: GitHubSimulator) -> None:
    github.app.events = github.app.events - {"issues"}


def behind(github: GitHubSimulator) -> None:
    """The App has new permissions, which its installation has not accepted."""
    github.repository("octo/greet")
    for installation in github.stage.state.installations.values():
        installation.permissions = {**installation.permissions, "issues": "read"}


def suspended(github: GitHubSimulator) -> None:
    github.repository("octo/greet")
    for installation in github.stage.state.installations.values():
        installation.suspended_at = github.stage.state.now()


def nowhere(github: GitHubSimulator) -> None:
    github.webhooks.url = None


def elsewhere(github: GitHubSimulator) -> None:
    github.webhooks.url = "https://bot.octo.dev/hooks"


def lost(github: GitHubSimulator) -> None:
    github.webhooks.lose()
    github.repository("octo/greet")


@pytest.mark.parametrize(
    ("change", "code", "subject", "words"),
    [
        (weaker, 1, "App rights", "✗ App rights: contents: write is missing"),
        (deaf, 1, "App rights", "✗ App rights: event issues is missing"),
        (behind, 0, "installation on octo", "! installation on octo: has not accepted all: issues: write is missing"),
        (suspended, 0, "installation on octo", "! installation on octo: is suspended"),
        (nowhere, 1, "webhook", "✗ webhook: the App has no address to send to"),
        (elsewhere, 1, "webhook", "✗ webhook: https://bot.octo.dev/hooks does not end with /webhook"),
        (lost, 0, "deliveries", "! deliveries: 1 of the last 24 hours did not arrive; the newest: failed to connect"),
    ],
)
async def test_what_github_knows_of_the_app_is_looked_at(
    env: dict[str, str], github: GitHubSimulator, change: Callable[[GitHubSimulator], None], code: int,
    subject: str, words: str,
) -> None:  # fmt: skip
    change(github)
    found, lines = await examined(env)
    assert (found, about(subject, lines).startswith(words)) == (code, True), lines
    assert lines[[line[2:].startswith(f"{subject}: ") for line in lines].index(True) + 1].startswith(
        "    "
    )  # the remedy


async def test_findings_are_told_to_programs(env: dict[str, str]) -> None:
    said: list[str] = []
    assert await as_json({**env, "MODELS": "nosuch"}, said.append) == 1
    told = json.loads("".join(said))
    assert told["ready"] is False
    assert told["conclusion"].startswith("1 to mend")
    [bad] = [finding for finding in told["findings"] if finding["health"] == "bad"]
    assert (bad["what"], bool(bad["remedy"])) == ("models", True)
    assert {"App rights", "installation", "webhook", "deliveries", "disk", "database"} <= {
        finding["what"] for finding in told["findings"]
    }
    assert KEY not in said[0]


async def test_a_bot_that_polls_needs_no_address(env: dict[str, str], github: GitHubSimulator) -> None:
    nowhere(github)
    code, lines = await examined({**env, "DELIVERIES": "poll"})
    assert (code, about("webhook", lines)[0]) == (0, "✓")


async def test_what_did_not_answer_is_named_at_the_end(env: dict[str, str]) -> None:
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{silent.getsockname()[1]}"
        code, lines = await examined({**env, "MODEL_BASE_URL": nobody, "GITHUB_API_URL": nobody})
    assert (code, lines[-1]) == (0, "Ready to serve, but GitHub and the models were not reached.")


BROKEN = {
    "MODELS": ("nosuch", "nosuch"),
    "MODEL_PROVIDER": ("another", "is not of another"),
    "ATTEMPTS": ("9", "ATTEMPTS is 9, more than MAX_ATTEMPTS, which is 8"),
    "GITHUB_WEBHOOK_SECRET": (f"{SECRET},12345", "fewer than 16 characters"),
    "GITHUB_PRIVATE_KEY": ("-----BEGIN PRIVATE KEY-----\nxxxx\n-----END PRIVATE KEY-----", "cannot sign"),
    "MODEL_API_KEY": ("sk or 1", "white space"),
    "MAX_DOLLARS": ("0.01", "is not enough for 3 attempts"),
    "DATA_DIR": ("/dev/null/data", "DATA_DIR"),
    "DATABASE_URL": ("postgresql://ann:hush@127.0.0.1:1/solvebot", "database"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_the_doctor_calls_broken_is_not_started(env: dict[str, str], name: str) -> None:
    value, words = BROKEN[name]
    broken = {**env, name: value}
    code, lines = await examined(broken)
    assert code == 1, lines
    assert words in "".join(lines)
    with pytest.raises((SettingsError, Unfit), match=words):
        await refuse_what_cannot_work(Settings.from_env(broken))


async def test_what_works_is_started(env: dict[str, str]) -> None:
    await refuse_what_cannot_work(Settings.from_env(env))


@pytest.mark.parametrize("command", ["serve", "web", "worker"])
async def test_a_start_that_cannot_work_is_refused_with_the_doctors_words(
    command: str, env: dict[str, str], tmp_path: Path
) -> None:
    code, _, err = await Shell(tmp_path, {**env, "MODELS": "nosuch", "GITHUB_WEBHOOK_SECRET": "12345"})(command)
    assert code == 1
    assert "webhook secret: has fewer than 16 characters. Use 32 random ones" in err
    assert "models: " in err
    assert "nosuch" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("provider_name", ["openrouter", "another"])
async def test_a_well_formed_wrong_model_key_is_found_out(env: dict[str, str], provider_name: str) -> None:
    env["MODEL_PROVIDER"] = provider_name
    if provider_name == "another":
        env["MODEL_BASE_URL"] = env["MODEL_BASE_URL"].replace("/api", "")
    _, lines = await examined(env)
    assert about("model key", lines).startswith("✓")
    env["MODEL_API_KEY"] = "sk-or-v1-wrong"
    code, lines = await examined(env)
    assert code == 1
    assert about("model key", lines) == f"✗ model key: {env['MODEL_BASE_URL']} refuses it (HTTP 401)"
    assert "sk-or-v1-wrong" not in "".join(lines)


async def test_a_provider_that_does_not_answer_leaves_the_key_open(env: dict[str, str]) -> None:
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        env["MODEL_BASE_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        code, lines = await examined(env)
    assert code == 0
    assert about("MODEL_BASE_URL", lines).startswith("!")
    assert lines[-1] == "Ready to serve, but the models were not reached."


@pytest.mark.parametrize("name", ["GITHUB_API_URL", "MODEL_BASE_URL"])
@pytest.mark.parametrize("wrong", ["api.example.com", "ftp://api.example.com", "http://[::1", "http://"])
async def test_an_address_that_is_none_is_a_finding(env: dict[str, str], name: str, wrong: str) -> None:
    env[name] = wrong
    code, lines = await examined(env)
    assert code == 1
    assert about("settings", lines).startswith(f"✗ settings: {name} is {wrong!r}, which is no address")


@pytest.mark.parametrize("data", ["/dev/null/data", "/proc/data", "/sys/kernel"])
async def test_a_directory_that_cannot_be_written_is_one_finding(env: dict[str, str], data: str) -> None:
    env["DATA_DIR"] = data
    code, lines = await examined(env)
    assert code == 1
    assert about("DATA_DIR", lines).startswith(f"✗ DATA_DIR: {data}: ")
    assert lines[-1].startswith("1 to mend")


@pytest.mark.parametrize(
    ("url", "subject"),
    [
        ("postgresql://ann:hush@127.0.0.1:1/solvebot", "database"),
        ("postgresql://ann:hush@db:hush/solvebot", "settings"),  # nobody has to be asked
        ("postgresql://ann:hush@[db/solvebot", "settings"),
        ("postgresql://", "database"),
    ],
)
async def test_a_database_that_cannot_be_reached_is_one_finding(env: dict[str, str], url: str, subject: str) -> None:
    env["DATABASE_URL"] = url
    code, lines = await examined(env)
    assert code == 1
    assert about(subject, lines).startswith("✗")
    assert "hush" not in "".join(lines)
    assert lines[-1].startswith("1 to mend")


async def test_what_is_missing_is_counted_once(tmp_path: Path, env: dict[str, str]) -> None:
    few = {name: env[name] for name in ("GITHUB_API_URL", "DATA_DIR", "PORT", "RUN_UNTRUSTED_CODE_WITHOUT_ISOLATION")}
    code, lines = await examined(few)
    assert code == 1
    assert [line for line in lines if line.startswith("✗")] == [
        f"✗ settings: {name} is missing"
        for name in ("GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET", "MODEL_API_KEY")
    ]
    assert lines[-1].startswith("4 to mend")


async def test_a_taken_port_may_be_a_solvebot_that_serves_already(env: dict[str, str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        env["PORT"] = str(other.getsockname()[1])
        code, lines = await examined(env)
    assert code == 0
    assert about("address", lines).startswith("!")
    env["PORT"] = "70000"
    code, lines = await examined(env)
    assert code == 1


async def test_no_line_is_broken_where_no_terminal_is(env: dict[str, str]) -> None:
    _, lines = await examined(env, width=20)
    assert about("GitHub", lines) == "✓ GitHub: knows this App as solvebot; clocks agree"


async def test_the_key_for_lent_sandboxes_is_tried(env: dict[str, str], tmp_path: Path) -> None:
    place = tmp_path / "e2b"
    place.mkdir()
    async with e2b(place, bubblewrap=bwrap(), world=LentWorld(isolated=False)) as service:
        env |= {"SANDBOX": "e2b", "E2B_API_URL": service.url, "E2B_API_KEY": service.key}
        code, lines = await examined(env)
        assert code == 0, lines
        assert about("E2B", lines) == f"✓ E2B: {service.url} takes the key"
        code, lines = await examined({**env, "E2B_API_KEY": "e2b_wrong"})
        assert (code, about("E2B", lines)) == (1, f"✗ E2B: {service.url} refuses the key")
        await service.down(refuse=True)
        code, lines = await examined(env)
        assert (code, about("E2B", lines)) == (0, f"! E2B: {service.url} did not answer (ConnectError)")
        await service.up()


async def test_what_set_up_may_reach_is_shown_without_secrets(
    env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a machine whose npm has a mirror, and whose cargo cannot say anything."""
    programs = tmp_path / "programs"
    programs.mkdir()
    npm = 'test "$npm_config_userconfig" = user.rc && exec echo https://npm.test/\necho https://me:hunter22@corp.test/'
    for name, script in (("npm", npm), ("node", "exit 1"), ("cargo", "exit 1")):
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    env["SETUP_HOSTS"] = "auto,extra.test"
    code, lines = await examined(env, width=2000)
    assert code == 0
    told = "sandboxes are told of the mirror by BUN_CONFIG_REGISTRY, COREPACK_NPM_REGISTRY"
    assert about("registries of npm", lines).startswith(f"✓ registries of npm: corp.test; {told}")
    assert about("registries of cargo", lines) == "! registries of cargo: none (named no host)"
    assert about("set-up", lines).startswith("✓ set-up: may reach ")
    assert about("set-up", lines).endswith(", extra.test")
    assert "hunter22" not in "".join(lines)


@pytest.mark.parametrize(
    ("words", "found", "health", "said"),
    [
        (
            ("auto",),
            Registries((), ("npm", "go")),
            Health.DOUBTFUL,
            "no package manager of this machine named a registry",
        ),
        (("auto",), Registries((Told("go", problem="did not answer"),)), Health.DOUBTFUL, "no package manager"),
        (("auto", "own.test"), Registries(), Health.GOOD, "may reach own.test"),
        (("none",), Registries(), Health.DOUBTFUL, "has no network"),
        ((), Registries(), Health.DOUBTFUL, "has no network"),
    ],
)
def test_whether_set_up_has_a_network(words: tuple[str, ...], found: Registries, health: Health, said: str) -> None:
    finding = list(reach(words, found))[-1]
    assert (finding.what, finding.health) == ("set-up", health)
    assert finding.found.startswith(said)
    assert bool(finding.remedy) == (health is Health.DOUBTFUL)


@pytest.mark.parametrize(
    ("script", "health", "found"),
    [
        ("echo git version 2.39.5", Health.GOOD, "2.39.5"),
        ("echo git version 2.39.5 '(Apple Git-154)'", Health.GOOD, "2.39.5"),
        ("echo git version 3.0.rc1", Health.GOOD, "3.0.rc1"),
        ("echo git version 2.37.1", Health.BAD, "2.37.1"),
        ("echo something else", Health.BAD, "does not say its version"),
        ("exit 1", Health.BAD, "does not say its version"),
        ("exec cat /dev/zero > /dev/null", Health.BAD, "does not answer"),
    ],
)
async def test_a_git_is_asked_and_not_waited_for(tmp_path: Path, script: str, health: Health, found: str) -> None:
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\nexec 2>/dev/null\n{script}\n")
    program.chmod(0o755)
    finding = await of_git(str(program), seconds=0.3 if "zero" in script else 60.0)
    assert finding.health is health
    assert found in finding.found


async def test_a_git_that_is_not_there() -> None:
    assert (await of_git(None)).found == "not found"
    assert "no such file" in (await of_git("/no/such/git")).found
