"""What lies in deploy/ speaks of what the code has: metrics, settings, commands, routes, and the runbook's sections."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import threading
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bot.cli import main
from bot.settings import Settings
from tests.contracts.test_metrics import everything
from tests.stories.test_check import free_port
from tests.tools import program

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
SETTINGS = {setting.metadata["name"] for setting in fields(Settings)}
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
UNITS = sorted((DEPLOY / "systemd").iterdir())
OF_THE_SET_UP = {"POSTGRES_PASSWORD", "SOLVEBOT_HOST", "SOLVEBOT_VERSION", "SOLVEBOT_WEB"}


def samples() -> dict[str, set[str]]:
    """Names that a scrape may hold, with their labels."""
    found: dict[str, set[str]] = {"up": {"job", "instance"}}
    for family in everything().registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, {"job", "instance"}).update(sample.labels)
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_and_labels_that_there_are(rule: dict[str, Any]) -> None:
    known = samples()
    asked = re.findall(r"\b(solvebot_\w+|up)\b(?:\{([^}]*)\})?", rule["expr"])
    assert asked
    for name, labels in asked:
        assert name in known
        assert set(re.findall(r"(\w+)\s*(?:=|!=|=~|!~)", labels)) <= known[name]


def test_every_alert_has_its_section_in_the_runbook_and_every_such_section_its_alert() -> None:
    sections = re.split(r"^## ", (ROOT / "docs/runbook.md").read_text(), flags=re.MULTILINE)[1:]
    of_alerts = {section.splitlines()[0]: section for section in sections if "**Look at:**" in section}
    assert list(of_alerts) == [rule["alert"] for rule in RULES]
    for rule in RULES:
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["annotations"]["summary"] in of_alerts[rule["alert"]]
        assert "**Do:**" in of_alerts[rule["alert"]]


def test_the_runbook_names_settings_that_there_are() -> None:
    named = set(re.findall(r"`\$?([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?:=[^`]*)?`", (ROOT / "docs/runbook.md").read_text()))
    assert named
    assert named <= SETTINGS


def ours() -> dict[str, dict[str, Any]]:
    return {name: service for name, service in COMPOSE["services"].items() if service["image"].startswith("solvebot:")}


def test_compose_sets_what_the_bot_reads_and_starts_what_it_has() -> None:
    assert set(ours()) == {"migrate", "web", "worker"}
    for service in ours().values():
        assert set(service["environment"]) <= SETTINGS
        assert service["command"][0] in main.commands
    named = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    assert named <= SETTINGS | OF_THE_SET_UP


def test_of_all_services_only_the_proxy_is_reached_from_outside() -> None:
    reached = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert reached.pop("proxy") == ["80:80", "443:443"]
    assert all(port.startswith("127.0.0.1:") for ports in reached.values() for port in ports)


def test_services_have_no_more_rights_than_they_need() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["logging"]["options"]["max-size"], name
        if name not in ("worker", "database"):  # the first makes sandboxes, the second starts as root
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name


def test_the_proxy_bounds_what_it_passes_on() -> None:
    text = (DEPLOY / "Caddyfile").read_text()
    assert text.count("reverse_proxy") == 1
    assert "max_size 25MiB" in text  # what bot/web/webhook.py takes at most
    assert set(re.findall(r"\{\$(\w+)", text)) <= OF_THE_SET_UP


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_set_what_the_bot_reads_and_start_what_there_is(unit: Path) -> None:
    text = unit.read_text()
    assert set(re.findall(r"^Environment=(\w+)=", text, re.MULTILINE)) <= SETTINGS
    for line in re.findall(r"^ExecStart=(.*)", text, re.MULTILINE):
        program, *arguments = shlex.split(line)
        if program == "/opt/solvebot/.venv/bin/solvebot":
            assert arguments[0] in main.commands
        else:
            assert (ROOT / Path(program).relative_to("/opt/solvebot")).exists()
        for right in ("NoNewPrivileges=true", "ProtectSystem=strict", "CapabilityBoundingSet=\n", "User=solvebot"):
            assert right in text


def test_the_image_is_made_from_the_lock_and_does_not_run_as_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert text.count("\nFROM ") == 2
    assert "--require-hashes -r requirements.lock" in text
    assert text.index("USER solvebot") < text.index("ENTRYPOINT")
    assert "/usr/bin/tini" in text
    assert set(re.findall(r"\b([A-Z]+_?[A-Z]+)=\S", re.findall(r"^ENV (.*)", text, re.MULTILINE)[0])) <= SETTINGS | {
        "PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE",
    }  # fmt: skip


def test_a_backup_is_whole_and_only_the_newest_stay(tmp_path: Path) -> None:
    for name in ("solvebot", "engine"):
        with sqlite3.connect(tmp_path / f"{name}.sqlite") as made:
            made.execute("create table kept (word text)")
            made.execute("insert into kept values (?)", (name,))
        made.close()
    old = [tmp_path / "backups" / f"2026010{day}T000000Z" for day in (1, 2)]
    for each in old:
        each.mkdir(parents=True)
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "DATA_DIR": str(tmp_path), "KEEP": "2"}
    command = [DEPLOY / "backup", tmp_path / "backups"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    made_at = Path(done.stdout.strip())
    assert sorted((tmp_path / "backups").iterdir()) == [old[1], made_at]
    for name in ("solvebot", "engine"):
        copy = sqlite3.connect(made_at / f"{name}.sqlite")
        assert copy.execute("select word from kept").fetchall() == [(name,)]
        copy.close()
    failed = subprocess.run(command, env={**env, "DATA_DIR": "/nowhere"}, capture_output=True, text=True, check=False)
    assert failed.returncode != 0
    assert sorted((tmp_path / "backups").iterdir()) == [old[1], made_at]


@pytest.mark.needs("promtool")
def test_alerts_fire_when_they_should_and_no_sooner() -> None:
    rules = DEPLOY / "prometheus/alerts_test.yml"
    done = subprocess.run([program("promtool"), "test", "rules", rules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("kind", [("rules", "alerts.yml"), ("config", "prometheus.yml")])
def test_prometheus_reads_its_files(kind: tuple[str, str]) -> None:
    what, name = kind
    file = DEPLOY / "prometheus" / name
    done = subprocess.run([program("promtool"), "check", what, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("caddy")
def test_the_proxy_reads_its_file(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "SOLVEBOT_HOST": "solvebot.example.com"}
    command: list[str | Path] = [
        program("caddy"),
        "validate",
        "--adapter",
        "caddyfile",
        "--config",
        DEPLOY / "Caddyfile",
    ]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Answering(BaseHTTPRequestHandler):
    """A page that says what browsers may do, and an answer that says nothing of it."""

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path == "/solves":
            self.send_header("Content-Security-Policy", "default-src 'self'")
            self.send_header("Referrer-Policy", "same-origin")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


@pytest.mark.needs("caddy")
def test_pages_keep_what_they_say_to_browsers_and_all_else_is_told_to_do_nothing(tmp_path: Path) -> None:
    """A stricter `Referrer-Policy` than the pages' own would make all their forms fail, another policy their look."""
    port = free_port()
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as behind:
        threading.Thread(target=behind.serve_forever, daemon=True).start()
        env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "SOLVEBOT_HOST": f"http://127.0.0.1:{port}",
               "SOLVEBOT_WEB": f"127.0.0.1:{behind.server_port}"}  # fmt: skip
        command = [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, env=env, stdout=quiet, stderr=quiet) as caddy:
            try:
                page, other = (answer(port, path) for path in ("/solves", "/healthz"))
            finally:
                caddy.terminate()
        behind.shutdown()
    assert (page["Content-Security-Policy"], page["Referrer-Policy"]) == ("default-src 'self'", "same-origin")
    assert other["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert other["Referrer-Policy"] == "no-referrer"
    assert {each["X-Content-Type-Options"] for each in (page, other)} == {"nosniff"}


def answer(port: str, path: str) -> httpx.Headers:
    """As soon as somebody listens there, and knows that somebody answers behind."""
    transport = httpx.HTTPTransport(retries=8)
    with httpx.Client(transport=transport, timeout=60) as client:
        found = client.get(f"http://127.0.0.1:{port}{path}")
    assert found.status_code == 200
    return found.headers


EXPOSED = {"solvebot-web.service": 3.0, "solvebot-backup.service": 3.0, "solvebot-worker.service": 3.5}
"""The worker makes sandboxes, for which it needs namespaces: what is above 3 is what that costs."""


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_a_unit_is_hardened(unit: Path) -> None:
    most = round(EXPOSED[unit.name] * 10)
    command: list[str | Path] = [
        program("systemd-analyze"),
        "security",
        "--offline=true",
        f"--threshold={most}",
        "--no-pager",
        unit,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "Overall exposure level" in done.stdout


KUBERNETES = DEPLOY / "kubernetes"
LISTED: list[str] = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
OBJECTS: list[dict[str, Any]] = [
    each for name in LISTED for each in yaml.safe_load_all((KUBERNETES / name).read_text())
]  # no kustomize and no cluster is asked: what their schema says beyond this is not tested here
KINDS = {
    "Namespace": "v1",
    "Service": "v1",
    "Job": "batch/v1",
    "Deployment": "apps/v1",
    "PodDisruptionBudget": "policy/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}
PODS = [each["spec"]["template"] for each in OBJECTS if each["kind"] in ("Job", "Deployment")]


def test_kubernetes_is_given_kinds_that_it_knows_and_every_file_there_is() -> None:
    assert {path.name for path in KUBERNETES.iterdir()} == {*LISTED, "kustomization.yaml"}
    assert {(each["kind"], each["apiVersion"]) for each in OBJECTS} == set(KINDS.items())
    names = [(each["kind"], each["metadata"]["name"]) for each in OBJECTS]
    assert len(names) == len(set(names))


def test_a_pod_starts_what_the_bot_has_with_settings_that_it_reads_and_no_more_rights_than_needed() -> None:
    assert len(PODS) == 3
    for pod in PODS:
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["automountServiceAccountToken"] is False
        [container] = pod["spec"]["containers"]
        assert container["args"][0] in main.commands
        assert {each["name"] for each in container["env"]} <= SETTINGS
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        ports = {port["name"] for port in container.get("ports", ())}
        probes = [container[name] for name in ("readinessProbe", "livenessProbe") if name in container]
        assert {probe["httpGet"]["port"] for probe in probes} <= ports


def test_selectors_of_kubernetes_find_pods_and_ports() -> None:
    labels = [pod["metadata"]["labels"] for pod in PODS]
    for each in OBJECTS:
        spec = each.get("spec", {})
        wanted = spec.get("selector", spec.get("podSelector", {}))
        wanted = wanted.get("matchLabels", wanted)
        assert any(wanted.items() <= found.items() for found in labels), each["metadata"]
    grace = {pod["metadata"]["labels"]["part"]: pod["spec"].get("terminationGracePeriodSeconds", 0) for pod in PODS}
    assert grace["web"] > 10
    assert grace["worker"] > 60
