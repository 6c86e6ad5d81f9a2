"""The `Mirrors` port, coming back: a candidate is exact, and nothing hostile in a workspace runs or gets anywhere."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from bot.core.candidate.gates import GatePolicy, check_gates
from bot.core.candidate.restoring import Asked, Aspect, PutBack
from bot.core.candidate.run_scripts import MAX_SCRIPT
from bot.core.model import Candidate, ChangeKind, Gate, GateFailure, Script, Sha
from bot.github.mirror import GitMirrors
from bot.ports import Rejected, TreeEntry
from tests.contracts.mirror_world import REPO, RUN, Committed, Edited, World, add, as_entry, git, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


BASE: dict[str, Committed] = {
    "app.py": b"def f():\n    return 1\n",
    "crlf.txt": b"one\r\ntwo\r\nthree\r\n",
    "no-end.txt": b"no newline",
    "empty.txt": b"",
    "run.sh": (b"#!/bin/sh\nexit 0\n", "100755"),
    "data.bin": bytes(range(256)) * 8,
    "latin.txt": b"caf\xe9\n" + b"line\n" * 20,
    "late-nul.txt": b"text\n" * 2000 + b"\0\n",
    "kept/deep/file.txt": b"kept\n",
    "link": "app.py",
    "sp ace/naïve\t.txt": b"odd name\n",
    "caf\udce9.txt": b"latin-1 name\n",
    "long.py": b"# x\n" * 5 + "def fonction_é".encode() + "é".encode() * 60 + b"():\n" + b"    pass\n" * 20,
    "dir-or-file": b"file\n",
    ".gitattributes": b"* -diff\n*.py filter=evil diff=evil\n*.txt text eol=crlf\n",
}
EDITS: list[tuple[str, dict[str, Edited]]] = [
    ("modified", {"app.py": b"def f():\n    return 2\n"}),
    ("added and deleted", {"new.py": b"x = 1\n", "empty.txt": None}),
    ("renamed", {"app.py": None, "pkg/app.py": b"def f():\n    return 1\n"}),
    ("binary changed", {"data.bin": bytes(range(255, -1, -1)) * 8}),
    ("binary added and deleted", {"data.bin": None, "more.bin": b"\0\1\2" * 999}),
    ("CRLF kept", {"crlf.txt": b"one\r\n2\r\nthree\r\n"}),
    ("CRLF to LF", {"crlf.txt": b"one\ntwo\nthree\n"}),
    ("newline at the end", {"no-end.txt": b"no newline\n", "app.py": b"def f():\n    return 1"}),
    ("emptied and filled", {"app.py": b"", "empty.txt": b"full\n"}),
    ("empty file added", {"pkg/__init__.py": b""}),
    ("executable", {"app.py": (b"def f():\n    return 1\n", 0o755), "run.sh": (b"#!/bin/sh\nexit 0\n", 0o644)}),
    ("mode and content", {"run.sh": (b"#!/bin/sh\nexit 1\n", 0o640)}),
    ("not UTF-8", {"latin.txt": b"caf\xe8\n" + b"line\n" * 20}),
    ("not UTF-8 any more", {"latin.txt": "café\n".encode() + b"line\n" * 20}),
    ("NUL after the first 8000 bytes", {"late-nul.txt": b"text\n" * 2001 + b"\0\n"}),
    ("odd names", {"new\nline.txt": b"1\n", 'quo"te\\.txt': b"2\n", "-rf": b"3\n", "*?[a].txt": b"4\n", " ": b"5\n"}),
    ("non-ASCII names", {"sp ace/naïve\t.txt": b"changed\n", "日本/語.txt": b"new\n"}),
    (
        "names that are not UTF-8",
        {"caf\udce9.txt": b"changed\n", "\udcff/\udcfe.txt": b"new\n", "\udcff.bin": b"\xff\n"},
    ),
    ("a context line cut within a character", {"long.py": None, "long.txt": b"\n"}),
    ("a function name cut within a character", {"long.py": BASE["long.py"] + b"    return\n"}),  # type: ignore[operator]
    ("file becomes directory", {"dir-or-file": None, "dir-or-file/inside.txt": b"\n"}),
    ("directory becomes file", {"kept/deep/file.txt": None, "kept": b"file now\n"}),
    ("link to file", {"link": (b"a file\n", 0o644)}),
    ("file to link", {"app.py": "run.sh"}),
    ("link moved", {"link": "/etc/passwd"}),
    ("attributes", {".gitattributes": b"* binary\n"}),
    ("lines that look like a patch", {"app.py": b"diff --git a/x b/x\n@@ -1 +1 @@ \n--- a\n+++ b\n"}),
    ("carriage returns and form feeds", {"app.py": b"a\rb\x0c\x1c\x85\n\xe2\x80\xa8\n".replace(b"\x85", b"\xc2\x85")}),
]


@pytest.mark.parametrize("changes", [pytest.param(changes, id=name) for name, changes in EDITS])
async def test_a_candidate_survives_the_round_trip(world: World, changes: dict[str, Edited]) -> None:
    base = await world.base(BASE)
    candidate = await world.candidate(base, changes, Asked(line_ends=True, modes=True, encoding=True))
    stored = msgspec.json.decode(msgspec.json.encode(candidate), type=Candidate)
    assert stored == candidate
    assert "\0" not in stored.patch
    entries = await world.mirrors.entries(REPO, base, stored.patch)

    modes = {name: as_entry(content)[1] for name, content in BASE.items()}
    expected: dict[str, TreeEntry] = {}
    for name, content in changes.items():
        if content is None:
            expected[name] = TreeEntry(name, modes[name], None)
        elif isinstance(content, str):
            expected[name] = TreeEntry(name, "120000", os.fsencode(content))
        elif isinstance(content, tuple):
            expected[name] = TreeEntry(name, "100755" if content[1] & 0o100 else "100644", content[0])
        else:
            expected[name] = TreeEntry(name, modes.get(name, "100644"), content)
    assert {entry.path: entry for entry in entries} == expected
    assert len(candidate.changes) == len(expected)
    assert await world.mirrors.applies(REPO, base, stored.patch)


async def test_an_untouched_workspace_is_an_empty_candidate(world: World) -> None:
    base = await world.base(BASE)
    assert await world.candidate(base, {}) == Candidate(RUN, "", ())
    assert await world.mirrors.entries(REPO, base, "") == []


async def test_changes_say_kind_modes_sizes_and_lines(world: World) -> None:
    base = await world.base(BASE)
    candidate = await world.candidate(
        base,
        {"app.py": b"def f():\n    return 2\n    # x\n", "run.sh": None, "n.bin": b"\0", "latin.txt": b"caf\xe8\n"},
    )
    got = {c.path: (c.kind, c.old_mode, c.new_mode, c.size, c.added, c.removed, c.binary) for c in candidate.changes}
    assert got == {
        "app.py": (ChangeKind.MODIFIED, "100644", "100644", 30, 2, 1, False),
        "run.sh": (ChangeKind.DELETED, "100755", "000000", 0, 0, 2, False),
        "n.bin": (ChangeKind.ADDED, "000000", "100644", 1, 0, 0, True),
        "latin.txt": (ChangeKind.MODIFIED, "100644", "100644", 5, 1, 21, False),
    }
    by_path = {c.path: c.blob for c in candidate.changes}
    assert by_path["run.sh"] is None
    assert by_path["n.bin"] == git(world.origin.directory, "hash-object", "--stdin", stdin=b"\0")


async def test_the_mirror_is_not_written_by_a_candidate(world: World) -> None:
    base = await world.base(BASE)
    before = sorted((world.directory / "mirrors").rglob("*"))
    await world.candidate(base, {"new.py": b"x\n"})
    assert sorted((world.directory / "mirrors").rglob("*")) == before


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
async def test_every_tar_format_is_read(world: World, format: int) -> None:
    base = await world.base({"a": b"a\n"})
    long = "d" * 90 + "/" + "e" * 90
    names = [long, "plain.txt"] if format == tarfile.USTAR_FORMAT else [long, f"{long}/{long}", "ünï.txt", "\udcff"]
    changes: dict[str, Edited] = {f"{name}.txt": b"new\n" for name in names}
    tree = await world.workspace(base, changes, format=format)
    candidate = await world.mirrors.candidate(REPO, base, tree, RUN)
    entries = await world.mirrors.entries(REPO, base, candidate.patch)
    assert {e.path: e.content for e in entries} == changes


async def test_a_hard_link_is_a_file_of_its_own(world: World) -> None:
    base = await world.base({"a.py": b"a\n"})
    path = world.directory / "w.tar"
    with tarfile.open(path, "w") as tar:
        add(tar, "a.py", b"changed\n")
        for name, target in {"b.py": "./a.py", "c.py": "/etc/passwd", "d.py": "../a.py", "e.py": "missing"}.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.LNKTYPE, target
            tar.addfile(info)
    candidate = await world.mirrors.candidate(REPO, base, path, RUN)
    entries = await world.mirrors.entries(REPO, base, candidate.patch)
    assert {e.path: e.content for e in entries} == {"a.py": b"changed\n", "b.py": b"changed\n"}


# ---------------------------------------------------------------------------------------------------- what is scratch


async def test_scratch_is_dropped_and_listed(world: World) -> None:
    base = await world.base(
        {".gitignore": b"*.log\n!keep.log\n/out/\n", "sub/.gitignore": b"!*.log\n", "t.log": b"t\n"}
    )
    changes: dict[str, Edited] = {
        "a.log": b"x",
        "keep.log": b"x",
        "out/x": b"x",
        "sub/a.log": b"x",
        "t.log": b"tracked\n",
        "pkg/__pycache__/m.pyc": b"x",
        "reproduce.py": b"x",
        "tests/test_repro.py": b"x",
        ".gitignore": b"*\n",
    }
    candidate = await world.candidate(base, changes)
    kept = {"keep.log", "sub/a.log", "t.log", "tests/test_repro.py", ".gitignore"}
    assert {c.path for c in candidate.changes} == kept
    assert candidate.dropped == ("a.log", "out/x", "pkg/__pycache__/m.pyc", "reproduce.py")


@pytest.mark.parametrize("patch", ["\ud800", "diff --git a/a b/a\n@@ -" + "9" * 5_000 + " +1 @@\n-a\n", "no patch"])
async def test_what_is_no_patch_does_not_apply(world: World, patch: str) -> None:
    base = await world.base({"a.py": b"a\n"})
    assert not await world.mirrors.applies(REPO, base, patch)
    with pytest.raises(Rejected):
        await world.mirrors.entries(REPO, base, patch)


async def test_of_small_scripts_that_are_dropped_the_text_is_kept(world: World) -> None:
    base = await world.base({".gitignore": b"debug_*\n"})
    changes: dict[str, Edited] = {
        "repro.py": b"1/0\n",
        "debug_it.js": b"throw 1\xff\n",
        "repro_big.py": b"#" * (MAX_SCRIPT + 1),
        "repro.txt": b"no program\n",
        "pkg/__pycache__/m.pyc": b"x",
        "tests/repro_kept.py": b"2/0\n",
    }
    candidate = await world.candidate(base, changes)
    assert candidate.scripts == (Script("debug_it.js", "throw 1\ufffd\n"), Script("repro.py", "1/0\n"))


async def test_what_setup_left_behind_is_not_the_runs_change(world: World) -> None:
    base = await world.base({"a.py": b"a\n", "lock.json": b"1\n", "gone.txt": b"\n", "back.txt": b"\n"})
    setup: dict[str, Edited] = {
        "version.py": b"1.0\n",
        "generated.py": b"g\n",
        "lock.json": b"2\n",
        "gone.txt": None,
        "back.txt": None,
        "caf\udce9": b"",
        "clone/.git/config": b"[core]\n",
        "clone/a.py": b"\n",
    }
    left = await world.mirrors.untracked(REPO, base, await world.workspace(base, setup))
    assert set(left) == {*setup, '"caf\\351"'} - {"clone/.git/config", "caf\udce9"}
    assert left["gone.txt"] == ""
    assert msgspec.json.decode(msgspec.json.encode(left)) == left

    run = setup | {"a.py": b"fixed\n", "generated.py": b"g2\n", "back.txt": b"other\n"}
    tree = await world.workspace(base, run)
    candidate = await world.mirrors.candidate(REPO, base, tree, RUN, ignoring=left)
    assert {c.path for c in candidate.changes} == {"a.py", "generated.py", "back.txt"}
    assert candidate.dropped == ()


# ---------------------------------------------------------------------------------------------------------- hostile


@pytest.fixture
def hostile(world: World) -> Iterator[tuple[World, tarfile.TarFile, Path]]:
    path = world.directory / "hostile.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        add(tar, "a.py", b"a\n")
        yield world, tar, path


async def judged(world: World, tar: tarfile.TarFile, path: Path) -> Candidate:
    tar.close()
    base = await world.base({"a.py": b"a\n"})
    return await world.mirrors.candidate(REPO, base, path, RUN)


async def test_paths_outside_are_ignored(hostile: tuple[World, tarfile.TarFile, Path]) -> None:
    world, tar, path = hostile
    for name in ("../../etc/passwd", "/etc/passwd", "x/../../y", "x/..", ".", "", "a\0b"):
        info = tarfile.TarInfo("placeholder")
        info.pax_headers = {"path": name}
        info.name = name
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    candidate = await judged(world, tar, path)
    assert {c.path for c in candidate.changes} <= {"a"}
    assert not (world.directory.parent / "etc").exists()


async def test_devices_and_pipes_are_no_files(hostile: tuple[World, tarfile.TarFile, Path]) -> None:
    world, tar, path = hostile
    for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
        info = tarfile.TarInfo(f"odd-{kind.decode()}")
        info.type = kind
        tar.addfile(info)
    assert (await judged(world, tar, path)).changes == ()


async def test_nothing_comes_from_below_a_symlink(hostile: tuple[World, tarfile.TarFile, Path]) -> None:
    world, tar, path = hostile
    add(tar, "etc", "/etc")
    add(tar, "etc/passwd", b"root::0:0\n")
    add(tar, "file", b"\n")
    add(tar, "file/below", b"\n")
    candidate = await judged(world, tar, path)
    assert {(c.path, c.new_mode) for c in candidate.changes} == {("etc", "120000"), ("file", "100644")}


async def test_of_members_with_one_name_the_last_counts(hostile: tuple[World, tarfile.TarFile, Path]) -> None:
    world, tar, path = hostile
    add(tar, "a.py", "/etc/passwd")
    add(tar, "./x/.//a.py", b"1\n")
    add(tar, "x/a.py", b"22\n", 0o755)
    add(tar, "a.py", b"a\n")
    candidate = await judged(world, tar, path)
    assert [(c.path, c.new_mode, c.size) for c in candidate.changes] == [("x/a.py", "100755", 3)]


async def test_planted_git_directories(hostile: tuple[World, tarfile.TarFile, Path]) -> None:
    """At the top it is the sandbox's own; further down it is what an agent tried something out in."""
    world, tar, path = hostile
    marker = world.directory / "marker"
    script = f"#!/bin/sh\ntouch {marker}\n".encode()
    for name in (".git/hooks/post-index-change", ".git/hooks/pre-commit", ".GIT/x", ".git./y", "GIT~1/z"):
        add(tar, name, script, 0o755)
    add(tar, ".git/config", f'[core]\n\tfsmonitor = touch {marker}\n[filter "e"]\n\tclean = touch {marker}\n'.encode())
    add(tar, ".gitattributes", b"* filter=e diff=e\n[attr]binary filter=e\n")
    add(tar, "vendor/lib/.git/hooks/post-checkout", script, 0o755)
    add(tar, "vendor/lib/m.py", b"m\n")
    candidate = await judged(world, tar, path)
    changes = {(c.path, c.new_mode) for c in candidate.changes}
    assert changes == {(".gitattributes", "100644"), ("vendor/lib/m.py", "100644")}
    assert not marker.exists()


async def test_filters_and_textconv_of_the_base_are_not_run(world: World) -> None:
    marker = world.directory / "marker"
    base = await world.base({".gitattributes": b"* filter=evil diff=evil merge=evil\n", "a.py": b"a\n"})
    for key in ("filter.evil.clean", "filter.evil.smudge", "diff.evil.textconv", "diff.evil.command", "core.fsmonitor"):
        git(world.origin.directory, "config", key, f"touch {marker}")
    hook = world.origin.directory / ".git/hooks/reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
    hook.chmod(0o755)
    again = GitMirrors(world.directory / "again")
    assert await again.fetch(REPO, world.remote, want="main") == base
    candidate = await world.candidate(base, {"a.py": b"b\n"})
    assert "-a\n+b\n" in candidate.patch
    assert (await world.mirrors.entries(REPO, base, candidate.patch))[0].content == b"b\n"
    assert not marker.exists()


LINES = b"one\r\ntwo\r\nthree\r\n"
LINK, MODE, ENDS = Aspect.LINK, Aspect.MODE, Aspect.LINE_ENDS


@pytest.mark.parametrize(
    ("changes", "left", "done"),
    [
        pytest.param({"crlf.txt": LINES.replace(b"\r", b"")}, {}, {"crlf.txt": ENDS}, id="only line ends"),
        pytest.param(
            {"crlf.txt": b"one\n2\nthree\n"},
            {"crlf.txt": ("100644", b"one\r\n2\r\nthree\r\n")},
            {"crlf.txt": ENDS},
            id="a line and line ends",
        ),
        pytest.param(
            {"latin.txt": "café\n".encode() + b"line\n" * 19 + b"x\n"},
            {"latin.txt": ("100644", b"caf\xe9\n" + b"line\n" * 19 + b"x\n")},
            {"latin.txt": Aspect.ENCODING},
            id="written in UTF-8",
        ),
        pytest.param({"no-end.txt": b"no newline\n"}, {}, {"no-end.txt": ENDS}, id="an end of the last line"),
        pytest.param(
            {"run.sh": (b"#!/bin/sh\nexit 1\n", 0o644)},
            {"run.sh": ("100755", b"#!/bin/sh\nexit 1\n")},
            {"run.sh": MODE},
            id="an editor that rewrites",
        ),
        pytest.param({"app.py": (BASE["app.py"], 0o755)}, {}, {"app.py": MODE}, id="made executable by the way"),
        pytest.param({"link": (BASE["app.py"], 0o644)}, {}, {"link": LINK}, id="sed -i on a symlink"),
        pytest.param(
            {"link": (b"x\n", 0o644), "app.py": b"x\n"},
            {"app.py": ("100644", b"x\n")},
            {"link": LINK},
            id="on what it points to, too",
        ),
        pytest.param({"link": (b"x\n", 0o644)}, {"link": ("100644", b"x\n")}, {}, id="another file for a symlink"),
        pytest.param({"new.sh": (b"x\r\n", 0o755)}, {"new.sh": ("100755", b"x\r\n")}, {}, id="a new file is as it is"),
        pytest.param(
            {"data.bin": bytes(range(256)) * 7 + b"\r\n"},
            {"data.bin": ("100644", bytes(range(256)) * 7 + b"\r\n")},
            {},
            id="no text",
        ),
    ],
)
async def test_what_was_changed_by_the_way_is_put_back(
    world: World, changes: dict[str, Edited], left: dict[str, tuple[str, bytes]], done: dict[str, Aspect]
) -> None:
    base = await world.base(BASE)
    candidate = await world.candidate(base, {**changes, "other.py": b"x = 1\n"})
    entries = {e.path: (e.mode, e.content) for e in await world.mirrors.entries(REPO, base, candidate.patch)}
    assert entries == left | {"other.py": ("100644", b"x = 1\n")}
    assert {change.path: change.new_mode for change in candidate.changes} == {p: m for p, (m, _) in entries.items()}
    assert candidate.put_back == tuple(PutBack(path, aspect) for path, aspect in done.items())
    assert (Gate.SYMLINK in [f.gate for f in check_gates(candidate, GatePolicy())]) is ("link" in left)


async def test_a_mode_that_nobody_asked_for_is_no_work(world: World) -> None:
    base = await world.base(BASE)
    candidate = await world.candidate(base, {"app.py": (BASE["app.py"], 0o755)})  # type: ignore[dict-item]
    assert (candidate.patch, candidate.changes) == ("", ())
    assert candidate.put_back == (PutBack("app.py", MODE),)


async def test_what_the_task_speaks_of_is_kept(world: World) -> None:
    base = await world.base(BASE)
    changes: dict[str, Edited] = {"app.py": (BASE["app.py"], 0o755), "crlf.txt": LINES.replace(b"\r", b"")}  # type: ignore[dict-item]
    candidate = await world.candidate(base, changes, Asked(line_ends=True, modes=True))
    assert [(change.path, change.new_mode) for change in candidate.changes] == [
        ("app.py", "100755"),
        ("crlf.txt", "100644"),
    ]
    assert candidate.put_back == ()


BEGUN = {".git/HEAD": b"ref: refs/heads/main\n", ".git/config": b"[core]\n", ".git/objects/ab/cd": b"x"}
CLONED = {**BEGUN, ".git/packed-refs": b"", ".git/objects/pack/pack-1.pack": b"PACK"}
BARE = {
    "HEAD": b"ref: refs/heads/main\n",
    "config": b"[core]\n",
    "objects/pack/pack-1.pack": b"PACK",
    "description": b"",
}
WORKTREE = {".git": b"gitdir: /workspace/.git/worktrees/old\n"}


def below(directory: str, files: Mapping[str, bytes]) -> dict[str, Edited]:
    return {f"{directory}/{name}": content for name, content in files.items()}


@pytest.mark.parametrize(
    ("repository", "changed", "dropped"),
    [
        pytest.param(below("new", {**BEGUN, "x.py": b"x\n"}), {"new/x.py"}, (), id="begun in a new directory"),
        pytest.param(below("new", BEGUN), set(), (), id="begun and left empty"),
        pytest.param(below("pkg", {**BEGUN, "x.py": b"x\n"}), {"pkg/x.py"}, (), id="begun in the base commit's"),
        pytest.param(below("pkg", {**CLONED, "x.py": b"x\n"}), {"pkg/x.py"}, (), id="fetched into the base commit's"),
        pytest.param(below("old/lib", {**CLONED, "x.py": b"x\n", "d/y": b""}), set(), ("old/lib/",), id="cloned"),
        pytest.param(below("old", {**WORKTREE, "a.py": b"a\n"}), set(), ("old/",), id="another worktree"),
        pytest.param(below("x.git", BARE), set(), ("x.git/",), id="cloned without files"),
        pytest.param(below(".git.aside", {**BEGUN, **BARE}), set(), (".git.aside/",), id="the repository put aside"),
        pytest.param(
            below("new", {**CLONED, "x.py": b"", "in/.git/HEAD": b"", "in/y.py": b""}),
            set(),
            ("new/",),
            id="one in another",
        ),
        pytest.param(
            below("new", {**BEGUN, **below("in", CLONED), "in/y.py": b"", "x.py": b""}),  # type: ignore[dict-item]
            {"new/x.py"},
            ("new/in/",),
            id="cloned below one that was begun",
        ),
        pytest.param(
            {"crate/.git/HEAD": b"", "crate/Cargo.toml": b"[package]\n"}, {"crate/Cargo.toml"}, (), id="cargo"
        ),
        pytest.param(
            {"config": b"", "HEAD": b"", "objects/x": b""}, {"config", "HEAD", "objects/x"}, (), id="at the top"
        ),
    ],
)
async def test_a_repository_within_is_no_veto(
    world: World, repository: dict[str, Edited], changed: set[str], dropped: tuple[str, ...]
) -> None:
    """Row 14: an agent runs `git init`, `cargo new` or `git clone` in the workspace, and mends what was broken."""
    base = await world.base({"a.py": b"a\n", "pkg/m.py": b"m\n"})
    candidate = await world.candidate(base, {**repository, "a.py": b"fixed\n"})
    assert {change.path for change in candidate.changes} == {"a.py", *changed}
    assert candidate.dropped == dropped
    assert check_gates(candidate, GatePolicy()) == ()
    entries = await world.mirrors.entries(REPO, base, candidate.patch)
    assert {entry.path for entry in entries} == {"a.py", *changed}


async def test_what_setup_cloned_is_not_the_runs_change(world: World) -> None:
    base = await world.base({"a.py": b"a\n"})
    setup = below("dep", {**CLONED, "x.py": b"x\n"})
    left = await world.mirrors.untracked(REPO, base, await world.workspace(base, setup))
    assert left == {}
    tree = await world.workspace(base, {**setup, "dep/x.py": b"other\n", "a.py": b"fixed\n"})
    candidate = await world.mirrors.candidate(REPO, base, tree, RUN, ignoring=left)
    assert [change.path for change in candidate.changes] == ["a.py"]


async def with_submodule(world: World) -> Sha:
    world.origin.commit({"a.py": b"a\n"})
    git(world.origin.directory, "read-tree", "main")
    git(world.origin.directory, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib")
    git(world.origin.directory, "commit", "-q", "-m", "with a submodule")
    return await world.mirrors.fetch(REPO, world.remote, want="main")


@pytest.mark.parametrize(
    ("planted", "changes"),
    [
        ({}, []),
        ({"lib/.git": b"gitdir: ../.git/modules/lib\n"}, []),
        ({"lib/.git/HEAD": b"", "lib/.git/packed-refs": b""}, []),
        ({"lib/__pycache__/x.pyc": b""}, []),
        ({"lib/x.py": b"x\n", "lib/y/z.py": b"\n"}, [("lib", "160000", "160000")]),
        ({"lib/.git": b"gitdir: x\n", "lib/x.py": b"x\n"}, [("lib", "160000", "160000")]),
        ({"lib": b"file\n"}, [("lib", "160000", "160000")]),
        ({f"lib/{number}": b"" for number in range(2_001)}, [("lib", "160000", "160000")]),
    ],
)
async def test_a_submodule_is_unchanged_unless_files_are_in_its_place(
    world: World, planted: dict[str, Edited], changes: list[tuple[str, str, str]]
) -> None:
    base = await with_submodule(world)
    candidate = await world.candidate(base, planted)
    assert [(c.path, c.old_mode, c.new_mode) for c in candidate.changes] == changes
    expected = [GateFailure(Gate.SUBMODULE, "lib")] if changes else [GateFailure(Gate.EMPTY, "")]
    assert list(check_gates(candidate, GatePolicy())) == expected


async def test_of_a_submodule_that_setup_filled_only_what_the_run_changed_counts(world: World) -> None:
    base = await with_submodule(world)
    setup: dict[str, Edited] = {"lib/.git": b"gitdir: x\n", "lib/x.py": b"x\n", "lib/d/y.py": b"y\n"}
    left = await world.mirrors.untracked(REPO, base, await world.workspace(base, setup))
    assert set(left) == {"lib/x.py", "lib/d/y.py"}
    for more, changed in (
        ({"a.py": b"fixed\n"}, ["a.py"]),
        ({"lib/x.py": b"fixed\n", "a.py": b"f\n"}, ["a.py", "lib"]),
    ):
        tree = await world.workspace(base, {**setup, **more})
        candidate = await world.mirrors.candidate(REPO, base, tree, RUN, ignoring=left)
        assert [change.path for change in candidate.changes] == changed


async def test_a_hundred_thousand_members_are_too_many_changes(world: World) -> None:
    base = await world.base({"a.py": b"a\n"})
    path = world.directory / "w.tar"
    path.write_bytes(b"".join(header(b"n%d" % number, b"0", b"0\0") for number in range(100_000)))
    candidate = await world.mirrors.candidate(REPO, base, path, RUN)
    assert candidate.overflow == "100001 files changed"
    assert candidate.patch == ""
    assert len(candidate.changes) == 100


async def test_what_is_nested_without_end_is_not_looked_at(hostile: tuple[World, tarfile.TarFile, Path]) -> None:
    world, tar, path = hostile
    add(tar, "x/" * 1_500 + "y", b"y\n")
    candidate = await judged(world, tar, path)
    assert candidate.overflow == "files below more than 100 directories"
    assert candidate.patch == ""


@pytest.mark.timeout(60)
async def test_ignore_files_without_end_do_not_stop_the_bot(world: World) -> None:
    """A million patterns in the base commit, each of which would be compiled, and asked about each untracked file."""
    patterns = b"".join(b"a*b%d*c\n" % number for number in range(1_000_000))
    base = await world.base({".gitignore": b"*.log\n" + patterns, "a.py": b"a\n"})
    candidate = await world.candidate(base, {"x.log": b"x\n", "src/acb.py": b"1\n"})
    assert [c.path for c in candidate.changes] == ["src/acb.py"]


async def test_a_huge_file_is_recorded_and_not_read_into_memory(hostile: tuple[World, tarfile.TarFile, Path]) -> None:
    world, tar, path = hostile
    add(tar, "core.dump.txt", b"\0" * 6_000_000)
    add(tar, "b.py", b"b\n")
    candidate = await judged(world, tar, path)
    assert candidate.overflow == "core.dump.txt has 6000000 bytes"
    assert [(c.path, c.size) for c in candidate.changes] == [("core.dump.txt", 6_000_000), ("b.py", 2)]


def header(name: bytes, kind: bytes, size: bytes, *, magic: bytes = b"ustar\x0000") -> bytes:
    block = bytearray(512)
    block[0 : len(name)] = name
    block[100:108] = b"0000644\0"
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[257 : 257 + len(magic)] = magic
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize(
    "rubbish",
    [
        pytest.param(b"not a tar at all" * 100, id="text"),
        pytest.param(header(b"a", b"0", b"77777777777\0"), id="cut off"),
        pytest.param(header(b"a", b"0", b"\xff" * 12), id="negative size"),
        pytest.param(header(b"a", b"0", b"-0000000001\0"), id="minus"),
        pytest.param(header(b"a", b"0", b"\x80" + b"\xff" * 11), id="size beyond all disks"),
        pytest.param(header(b"a", b"S", b"00000000000\0"), id="sparse"),
        pytest.param(header(b"a", b"x", b"77777777777\0"), id="pax header of 8 GB"),
        pytest.param(header(b"a", b"L", b"00000400000\0") + b"x" * 0o400000, id="name of 128 kB"),
        pytest.param(header(b"a", b"x", b"00000001000\0") + b"9" * 512, id="pax length without end"),
        pytest.param(header(b"a", b"x", b"00000001000\0") + b"0 a=b\n".ljust(512), id="pax length 0"),
        pytest.param(
            header(b"a", b"x", b"00000000014\0") + b"12 size=-1\n\n".ljust(512, b"\0"), id="pax negative size"
        ),
        pytest.param(header(b"a", b"0", b"00000000000\0")[:500], id="half a header"),
        pytest.param(b"x" + header(b"a", b"0", b"00000000000\0")[1:], id="checksum"),
    ],
)
async def test_a_broken_tar_is_rejected(world: World, rubbish: bytes) -> None:
    base = await world.base({"a.py": b"a\n"})
    path = world.directory / "w.tar"
    path.write_bytes(rubbish)
    with pytest.raises(Rejected, match="workspace cannot be read"):
        await world.mirrors.candidate(REPO, base, path, RUN)


async def test_names_that_some_file_system_takes_for_git(world: World) -> None:
    base = await world.base({"a.py": b"a\n"})
    tree = await world.workspace(base, {"sub/.gi\u200ct/x": b"", "git~1": b"", "ok/.git ./x": b""})
    candidate = await world.mirrors.candidate(REPO, base, tree, RUN)
    assert candidate.changes == ()


async def test_a_path_that_git_refuses_is_rejected(world: World) -> None:
    base = await world.base({"a.py": b"a\n"})
    with pytest.raises(Rejected, match="gitmodules"):
        await world.candidate(base, {".gitmodules": "a.py"})


@pytest.mark.parametrize(
    "patch",
    [
        "garbage",
        "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-other\n+b\n",
        "diff --git a/../x b/../x\nnew file mode 100644\n--- /dev/null\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n",
        "diff --git a/.git/x b/.git/x\nnew file mode 100644\n--- /dev/null\n+++ b/.git/x\n@@ -0,0 +1 @@\n+x\n",
    ],
)
async def test_a_patch_that_does_not_apply_is_rejected(world: World, patch: str) -> None:
    base = await world.base({"a.py": b"a\n"})
    with pytest.raises(Rejected):
        await world.mirrors.entries(REPO, base, patch)
    assert not await world.mirrors.applies(REPO, base, patch)


async def test_a_patch_for_a_branch_that_moved(world: World) -> None:
    lines = [b"%d\n" % n for n in range(40)]
    base = await world.base({"a.py": b"".join(lines)})
    candidate = await world.candidate(base, {"a.py": b"".join([*lines[:30], b"new\n", *lines[30:]])})
    elsewhere = await world.base({"a.py": b"".join([b"top\n", *lines]), "b.py": b"\n"})
    conflicting = await world.base({"a.py": b"".join(lines[:28])})
    assert await world.mirrors.applies(REPO, elsewhere, candidate.patch)
    assert not await world.mirrors.applies(REPO, conflicting, candidate.patch)
