"""What README says is true, or this fails."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from click import Command, Group
from click.testing import CliRunner

from bot.cli import main
from bot.core.render.replies import help_text
from bot.core.trigger.commands import Misread, parse_commands
from bot.core.trigger.config import ConfigProblem, parse_config
from bot.declared_settings import Secret
from bot.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = {path.name: path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))}


def shown(default: object) -> str:
    match default:
        case Secret() | () | "" | None:
            return ""
        case bool():
            return f"`{str(default).lower()}`"
        case tuple():
            return f"`{','.join(map(str, default))}`"
        case float():
            return f"`{default:g}`"
        case _:
            return f"`{default}`"


def test_every_setting_is_in_the_table_and_the_table_holds_nothing_else() -> None:
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| (.*?) \| (.*) \|$", README, re.MULTILINE)
    assert rows == [(f.metadata["name"], shown(f.default), f.metadata["doc"]) for f in fields(Settings)]


def commands_in(text: str) -> list[str]:
    return re.findall(r"^\| `(/solve[^`]*)` \|", text, re.MULTILINE)


def test_readme_and_help_list_the_same_commands_and_all_are_understood() -> None:
    listed = commands_in(README)
    assert listed == commands_in(help_text([], []))
    for command in listed:
        [parsed] = parse_commands(command)
        assert not isinstance(parsed, Misread), command


def test_the_example_of_the_configuration_is_valid() -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert not isinstance(parse_config(example), ConfigProblem)


@pytest.mark.parametrize("command", re.findall(r"python -m bot\.cli (\w+)", README))
def test_every_subcommand_that_readme_names_exists(command: str) -> None:
    assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0


@pytest.mark.parametrize("target", re.findall(r"(?:`|^)make (\w+)", README, re.MULTILINE))
def test_every_make_target_that_readme_names_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("link", re.findall(r"\]\(((?!http)[^)#]+)\)", README))
def test_every_link_into_the_repository_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_the_manifest_asks_for_what_the_bot_uses() -> None:
    manifest = yaml.safe_load((ROOT / "bot" / "app.yml").read_text())
    assert manifest["public"] is False
    assert manifest["default_permissions"] == {
        "metadata": "read",
        "contents": "write",
        "issues": "write",
        "pull_requests": "write",
        "checks": "write",
        "statuses": "read",
        "actions": "read",
    }
    assert manifest["default_events"] == [
        "issues",
        "issue_comment",
        "pull_request",
        "pull_request_review",
        "pull_request_review_comment",
        "check_run",
        "check_suite",
        "status",
        "push",
        "repository",
    ]


@pytest.mark.parametrize("lock", ["requirements.lock", "tests/requirements.lock", "bot/demo/requirements.lock"])
def test_lock_files_hold_hashes_and_no_addresses(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    for requirement in re.findall(r"^[a-z0-9](?:[^\n\\]|\\\n)*", text, re.MULTILINE):
        assert "--hash=sha256:" in requirement


@pytest.mark.parametrize("page", PAGES)
def test_every_example_of_a_configuration_on_a_page_is_valid(page: str) -> None:
    for example in re.findall(r"```yaml\n(.*?)```", PAGES[page], re.DOTALL):
        assert not isinstance(parse_config(example), ConfigProblem)


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{name}" for name in PAGES)])
def test_every_command_and_link_of_a_page_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for line in re.findall(r"solvebot (\w[^\n#`]*)", text):
        command: Command = main
        for word in line.split():
            if not isinstance(command, Group) or word not in command.commands:
                break
            command = command.commands[word]
        if command is not main:
            known = {option for parameter in command.params for option in parameter.opts}
            assert set(re.findall(r"(?<= )--[a-z-]+", line)) <= known, line
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (ROOT / page).parent.joinpath(link).exists(), link
