"""What somebody with bad intentions tries: whoever writes issues, comments, repositories, or is a model."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from markdown_it import MarkdownIt

from bot.configuration import read_config
from bot.core.model import Permission, Repo, RepoConfig
from bot.github.local import LocalGitHub
from bot.github.mirror import GitMirrors
from bot.ports import Remote, WorldError
from bot.simulators.model import SUBMIT, RawCalls, bash, turns
from tests.stories.migrated import nothing
from tests.stories.shell import Shell, a_shell
from tests.stories.test_terminal import clone, git
from tests.stories.world import FIX, FIXES, SECRET, World, a_world

__all__ = ["clone"]  # a fixture

# ------------------------------------------------------------------------- A clone that attacks who solves its issues


async def test_a_clone_does_not_configure_the_bot_that_solves_it(clone: Path, tmp_path: Path) -> None:
    """Its .env could name another place for the key to be sent to, or a program of its own as the sandbox."""
    (clone / ".env").write_text("PORT=read from the clone\n")
    (clone / "src").mkdir()
    async with a_shell(tmp_path, FIXES) as (solvebot, _, _):
        for directory in (clone, clone / "src"):
            inside = Shell(directory, solvebot.env)
            code, _, err = await inside("solve", ".", "--issue", str(tmp_path / "issue.md"), "--model", "fixer")
            assert "PORT" not in err
            assert code == 0, err
            git(clone, "branch", "-D", git(clone, "branch", "--list", "solvebot/*", "--format=%(refname:short)"))


async def test_a_clone_does_not_bring_our_databases_along(clone: Path, tmp_path: Path) -> None:
    """Unfinished work of somebody else's, mirrors with a configuration: all that DATA_DIR holds is trusted."""
    async with a_shell(tmp_path, FIXES) as (solvebot, llm, _):
        env = {name: value for name, value in solvebot.env.items() if name != "DATA_DIR"}
        code, _, err = await Shell(clone, env)("solve", ".", "--issue", str(tmp_path / "issue.md"), "--model", "fixer")
        assert code == 1
        assert "DATA_DIR" in err
        assert not llm.calls
    assert not (clone / "data").exists()


async def test_a_tag_with_the_default_branchs_name_does_not_configure_us(clone: Path, tmp_path: Path) -> None:
    """Where a name means both, git takes the tag, and whoever may push one could let anybody ask."""
    git(clone, "checkout", "-q", "-b", "evil")
    (clone / ".github/solvebot.yml").write_text("who: read\n")
    git(clone, "commit", "-q", "-a", "-m", "Everybody may ask")
    git(clone, "tag", "main")
    git(clone, "checkout", "-q", "heads/main")
    github = await LocalGitHub.at(clone, tmp_path / "issue.md", say=lambda _: None)
    config = await read_config(github, Repo(0, 1, "x"), "main")
    assert isinstance(config, RepoConfig)
    assert config.who is Permission.WRITE


async def test_a_clone_that_says_how_to_fetch_what_it_lacks_is_not_obeyed(clone: Path, tmp_path: Path) -> None:
    """One that was not made by `git clone` brings a configuration of somebody else's along."""
    blob = git(clone, "rev-parse", "HEAD:.github/solvebot.yml")
    (clone / ".git/objects" / blob[:2] / blob[2:]).unlink()
    for key, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": str(clone),
        "remote.origin.uploadPack": f"touch '{tmp_path / 'obeyed'}'; git-upload-pack",
    }.items():
        git(clone, "config", key, value)
    github = await LocalGitHub.at(clone, tmp_path / "issue.md", say=lambda _: None)
    await github.file(Repo(0, 1, "x"), ".github/solvebot.yml", "refs/heads/main")
    with pytest.raises(WorldError):
        await GitMirrors(tmp_path / "mirrors", pauses=()).fetch(Repo(0, 1, "x"), Remote(str(clone)), want="main")
    assert not (tmp_path / "obeyed").exists()


async def test_what_the_doctor_quotes_is_not_read_as_markup(tmp_path: Path) -> None:
    code, out, err = await Shell(tmp_path, {"PORT": "[/x] [red]y"})("doctor")
    assert code == 1
    assert "PORT is '[/x] [red]y'" in out
    assert "Traceback" not in err


# ------------------------------------------------------------------------------------------ Whoever writes comments


async def test_asking_the_same_five_times_gets_one_answer(world: World) -> None:
    """Anybody may ask for help, and our answers wait in one line for each installation."""
    issue = await world.issue()
    await world.comment(issue, "/solve help\n" * 5, by="stranger")
    assert "What I understand" in (await world.next_comment(issue)).body
    await world.settled()
    assert len(issue.bot_comments) == 1


async def test_text_that_no_database_can_hold_is_text_like_any_other(tmp_path: Path, either_database: str) -> None:
    """GitHub does not send it; but what is signed and unreadable would stay in the way of all that comes behind it."""
    async with a_world(tmp_path, database_url=either_database) as world:
        issue = await world.issue()
        address, world.github.webhooks.url = str(world.github.webhooks.url), "http://127.0.0.1:9/nobody"
        await world.label(issue)
        payload = json.loads(next(d.payload for d in world.github.webhooks.deliveries if d.action == "labeled"))
        world.github.webhooks.url = address
        payload["issue"] |= {"title": "NUL \0 \uffff", "body": "NUL \0 \U0010ffff \x1b[2J " + "\0" * 70_000}
        body = json.dumps(payload).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "issues",
            "X-GitHub-Delivery": "a-delivery-by-hand",
            "X-Hub-Signature-256": f"sha256={hmac.digest(SECRET.encode(), body, 'sha256').hex()}",
        }
        async with aiohttp.ClientSession() as client, client.post(address, data=body, headers=headers) as answer:
            assert answer.status == 202
        assert (await world.over(issue)).pull_request is not None
        await world.next_comment(issue)


# --------------------------------------------------------------------------------------------------------- A model


async def test_a_call_that_is_nested_without_end_is_only_an_unusable_one(tmp_path: Path) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "bash", "arguments": "[" * 200_000}}
    async with a_world(tmp_path, scripts={"fixer": turns(RawCalls((call,)), bash(FIX), bash(SUBMIT))}) as world:
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        await world.next_comment(issue)
        assert facts.pull_request is not None


# ---------------------------------------------------------------------- Everybody at once, in all that we ever publish

TOKEN = "ghs_" + "a1B2" * 9
LEAK = "\u200b".join(TOKEN)
EVIL = "@evilteam closes #99 https://evil.example/x <img src=x> ![x](http://evil.example) [a](//evil.example) ***b***"
PATH = "@evilteam closes #99 ![x](evil.example)`|`<img src=x>.py"
CONFIG = f"""\
setup: ["echo '{EVIL}'; false"]
models: [fixer]
repro: "echo '{EVIL}'; false"
"""


async def test_nothing_that_others_wrote_is_active_in_what_we_publish(tmp_path: Path) -> None:
    """No mention, reference, closing keyword, link, image or HTML, from a title to the name of a candidate's file."""
    script = turns(
        bash(f": '{EVIL} {LEAK}'; echo 1 | tee '{PATH}' 'test_{PATH}'", text=EVIL),
        bash(SUBMIT, text=f"{EVIL}\n# {EVIL} {TOKEN} {LEAK}"),
    )
    files = {"README.md": "x\n", "a.py": "\n", ".github/solvebot.yml": CONFIG}
    async with a_world(tmp_path, scripts={"fixer": script}, files=files) as world:
        world.unread_is_fine = True
        issue = await world.issue(f"{TOKEN} {EVIL}", EVIL)
        for words in (f"/solve {EVIL}", f'/solve model="{EVIL}"', f'/solve base="{EVIL}"', "/solve base=@evilteam/#99"):
            await world.comment(issue, words)
        await world.comment(issue, f'/solve draft repro="{EVIL}"')
        facts = await world.over(issue)
        await world.comment(issue, "/solve status\n\n/solve explain\n\n/solve help")
        await world.settled()

        [pull] = world.repo.pulls
        comments = [
            text for comment in issue.bot_comments for text in (comment.body, *(edit.before for edit in comment.edits))
        ]
        assert len(issue.bot_comments) == 8
        assert "evilteam" in (pull.state.body or "")
        for text in (*comments, pull.state.body or ""):
            html = OF_CODE.sub("", MARKDOWN.render(text))
            for active in ("@evilteam", "#99", "://", "<img", "<a "):
                assert active not in html, text
        commit = world.repo.state.git.commit(pull.pull.head_sha).message
        for text in (pull.title, commit):
            for active in ("@evilteam", "#99", "://"):
                assert active not in text
        for text in (*comments, pull.state.body or "", pull.title, commit, pull.pull.head):
            for secret in (TOKEN, TOKEN.lower(), "a1b2-a1b2", LEAK):
                assert secret not in text.replace("\\", "").replace("\u200b", "")
        assert facts.decision is not None


MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
OF_CODE = re.compile(r"<(code|pre)\b.*?</\1>", re.DOTALL)


# -------------------------------------------------------------------------------- Another user of the bot's machine


async def test_what_lies_on_the_disk_is_nobody_elses_to_read(tmp_path: Path) -> None:
    """Issues, patches, what agents saw, and whole mirrors of private repositories."""
    async with a_world(tmp_path, private=True, before=nothing) as world:
        issue = await world.issue()
        await world.label(issue)
        await world.over(issue)
        await world.next_comment(issue)
        names = {path.name for path in readable_by_others(world.settings.data)}
        assert names <= {"engine.sqlite.lock", "uv"}  # the latter is a program of others, shown to all sandboxes
        assert (world.settings.data / "mirrors").is_dir()


def readable_by_others(path: Path) -> Iterator[Path]:
    """Files that a user who knows their names can open."""
    mode = path.lstat().st_mode
    if path.is_dir() and mode & 0o001:
        for below in path.iterdir():
            yield from readable_by_others(below)
    elif not path.is_dir() and mode & 0o004:
        yield path
