"""Which of the operator's own toolchains sandboxes are shown; and that nothing else of the home is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.local.installed_toolchains import installed_toolchains


def put(path: Path, content: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)
    return path


def found(home: Path, *path: Path) -> list[str]:
    """Below the home: Go's place below /usr/local is the machine's own matter."""
    shown = installed_toolchains({"HOME": str(home), "PATH": ":".join(map(str, path))})
    return [str(each.relative_to(home)) for each in shown if each.is_relative_to(home)]


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        (".nvm/versions/node/v22.1.0/bin/node", ".nvm/versions/node/v22.1.0"),
        (".local/share/fnm/node-versions/v20/installation/bin/node", ".local/share/fnm/node-versions/v20/installation"),
        (".sdkman/candidates/java/21-tem/bin/java", ".sdkman/candidates/java/21-tem"),
        (".rbenv/versions/3.3.0/bin/ruby", ".rbenv/versions/3.3.0"),
        (".local/share/mise/installs/go/1.23/bin/go", ".local/share/mise/installs/go/1.23"),
        (".asdf/installs/elixir/1.17/bin/elixir", ".asdf/installs/elixir/1.17"),
        ("sdk/go1.22.4/bin/go", "sdk/go1.22.4"),
        # Its directory would show much more than the program.
        (".local/bin/node", None),
        ("bin/java", None),
        (".cargo/bin/cargo", None),
        (".bun/bin/bun", None),
        (".dotnet/bin/deno", None),  # private keys lie beside it
        (".pyenv/versions/3.12/bin/node", None),  # with whatever pip installed
        # A shim is not the program, and does not work without its manager.
        (".rbenv/shims/ruby", None),
        (".volta/bin/node", None),
        # Somebody's project, not a manager's directory.
        ("work/.nvm/versions/node/v22/bin/node", None),
        (".nvm/versions/node/v22/lib/bin/node", None),
    ],
)
def test_the_directory_of_one_version_or_nothing(tmp_path: Path, program: str, shown: str | None) -> None:
    put(tmp_path / program)
    assert found(tmp_path, (tmp_path / program).parent) == ([shown] if shown else [])


def test_what_a_link_leads_to_counts(tmp_path: Path) -> None:
    put(tmp_path / ".sdkman/candidates/java/21-tem/bin/java")
    (tmp_path / ".sdkman/candidates/java/current").symlink_to("21-tem")
    assert found(tmp_path, tmp_path / ".sdkman/candidates/java/current/bin") == [".sdkman/candidates/java/21-tem"]


def test_rustups_proxies_are_asked_for_what_they_would_run(tmp_path: Path) -> None:
    put(tmp_path / ".cargo/bin/rustup")
    (tmp_path / ".cargo/bin/cargo").symlink_to("rustup")
    put(tmp_path / ".cargo/credentials.toml", "[registry]\ntoken = 'secret'\n")
    put(tmp_path / ".rustup/toolchains/stable-x86_64/bin/cargo")
    put(tmp_path / ".rustup/settings.toml", 'version = "12"\ndefault_toolchain = "stable-x86_64"\n')
    assert found(tmp_path, tmp_path / ".cargo/bin") == [".rustup/toolchains/stable-x86_64"]


@pytest.mark.parametrize("settings", ["", "not toml", 'default_toolchain = "../../.ssh"', "default_toolchain = 7"])
def test_rustup_that_says_nothing_of_use(tmp_path: Path, settings: str) -> None:
    put(tmp_path / ".cargo/bin/rustup")
    (tmp_path / ".cargo/bin/cargo").symlink_to("rustup")
    put(tmp_path / ".rustup/settings.toml", settings)
    assert found(tmp_path, tmp_path / ".cargo/bin") == []


def test_only_what_is_found_from_anywhere_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what PATH would find in the directory where the bot happens to be."""
    program = put(tmp_path / ".nvm/versions/node/v22/bin/node")
    monkeypatch.chdir(program.parent)
    assert installed_toolchains({"HOME": str(tmp_path), "PATH": "."}) in ((), (Path("/usr/local/go"),))
    assert installed_toolchains({"PATH": str(program.parent)}) == ()
