"""What is not in the archive of a commit: told from files that may be anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.environment.absent_files import (
    MOST_SUBMODULES,
    Absent,
    Source,
    Submodule,
    attributes_above,
    is_pointer,
    kept_in_lfs,
    source,
    submodules,
)
from bot.core.model import Sha
from bot.core.render.absent_files import VERSIONS, lacking

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d" * 32 + b"\nsize 12345\n"
A, B = Sha("a" * 40), Sha("b" * 40)
REMOTE = "https://github.com/Octo/demo.git"

GITMODULES = """\
# comment
[submodule "lib"]
\tpath = lib
\turl = ../lib.git
[submodule "vendored \\"x\\""]
  url = "https://github.com/other/x"
  path = vendor/x
  branch = main
[submodule "gone"]
\tpath = not/in/the/commit
\turl = https://github.com/octo/gone
[core]
\tpath = evil
"""


def test_submodules_are_those_of_the_commit() -> None:
    assert submodules({"vendor/x": B, "lib": A, "nameless": A}, GITMODULES) == (
        Submodule("lib", "../lib.git", A),
        Submodule("nameless", "", A),
        Submodule("vendor/x", "https://github.com/other/x", B),
    )
    assert len(submodules({f"s{number}": A for number in range(500)}, "")) == MOST_SUBMODULES


def found(url: str) -> Source:
    return Source(url, "it cannot be fetched without an account.")


OTHER = Source("", "it does not come from the same owner.")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("../lib.git", found("https://github.com/Octo/lib.git")),
        ("../lib", found("https://github.com/Octo/lib.git")),
        ("./../lib/", found("https://github.com/Octo/lib.git")),
        ("https://github.com/octo/lib", found("https://github.com/octo/lib.git")),
        ("https://GitHub.com/OCTO/lib.git", found("https://GitHub.com/OCTO/lib.git")),
        ("git@github.com:octo/lib.git", found("https://github.com/octo/lib.git")),
        ("ssh://git@github.com/octo/lib", found("https://github.com/octo/lib.git")),
        ("../../other/lib", OTHER),
        ("../../../elsewhere/octo/lib", OTHER),
        ("https://github.com/other/lib", OTHER),
        ("https://example.org/octo/lib", OTHER),
        ("https://github.com:444/octo/lib", OTHER),
        ("https://user:pw@github.com/octo/lib", OTHER),
        ("https://github.com/octo/lib/../../other/lib", OTHER),
        ("https://github.com/octo/../other", OTHER),
        ("https://github.com/octo/..", OTHER),
        ("git://github.com/octo/lib", OTHER),
        ("file:///etc", OTHER),
        ("/etc", OTHER),
        ("ext::sh -c id", OTHER),
        ("--upload-pack=id", OTHER),
        ("", Source("", ".gitmodules does not say where it comes from.")),
    ],
)
def test_only_what_everybody_can_read_of_the_same_owner_is_fetched(url: str, expected: Source) -> None:
    assert source(Submodule("lib", url, A), REMOTE) == expected


@pytest.mark.parametrize("url", ["../lib", "https://github.com/octo/lib", "/etc", ""])
def test_a_clone_on_this_disk_has_its_submodules_in_itself(url: str) -> None:
    found = source(Submodule("vendor/lib", url, A), "/home/me/demo")
    assert found == Source("/home/me/demo/vendor/lib", "the clone does not have that commit of it.")


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (POINTER, True),
        (POINTER.replace(b"oid", b"ext-0-foo sha256:abc\noid"), True),
        (POINTER[:-20], False),
        (b"version https://git-lfs.github.com/spec/v1\n", False),
        (b"\x89PNG\r\n", False),
        (b"", False),
        (POINTER + b"x" * 1_000, False),
    ],
)
def test_pointers(content: bytes, pointer: bool) -> None:
    assert is_pointer(content) is pointer


SIZES = {
    "a.png": 130,
    "large.png": 5_000,
    "empty.png": 0,
    "tiny.png": 50,
    "b.txt": 130,
    "data/x.bin": 130,
    "data/raw/y.bin": 130,
}


@pytest.mark.parametrize(
    ("attributes", "paths"),
    [
        ({".gitattributes": "*.png filter=lfs diff=lfs merge=lfs -text\n"}, ("a.png",)),
        ({".gitattributes": "*.png text\n*.bin filter=lfs\n"}, ("data/raw/y.bin", "data/x.bin")),
        ({".gitattributes": "*.bin filter=lfs\ndata/raw/** -filter\n"}, ("data/x.bin",)),
        ({".gitattributes": "*.bin filter=lfs\n", "data/raw/.gitattributes": "*.bin !filter\n"}, ("data/x.bin",)),
        ({"data/.gitattributes": "x.bin filter=lfs\n"}, ("data/x.bin",)),
        ({".gitattributes": "*.png filter=crypt\n"}, ()),
        ({".gitattributes": "# *.png filter=lfs\n!*.png filter=lfs\n[attr]x filter=lfs\n"}, ()),
        ({".gitattributes": "*.png nofilter=lfs\n\nfilter=lfs\n"}, ()),
        ({}, ()),
    ],
)
def test_files_that_are_kept_in_lfs(attributes: dict[str, str], paths: tuple[str, ...]) -> None:
    assert kept_in_lfs(SIZES, attributes) == paths


def test_which_files_have_a_say() -> None:
    assert attributes_above("a.png") == (".gitattributes",)
    assert set(attributes_above("a/b/c.png")) == {".gitattributes", "a/.gitattributes", "a/b/.gitattributes"}


@given(st.text(max_size=300), st.text(max_size=60), st.text(max_size=60))
def test_any_text_at_all(text: str, url: str, remote: str) -> None:
    submodules({"lib": A}, text)
    kept_in_lfs({"a": 5, "b/c": 5}, {".gitattributes": text, "b/.gitattributes": text})
    assert source(Submodule("lib", url, A), remote).reason


@pytest.mark.timeout(20)
def test_files_without_end() -> None:
    lines = "*a*b*c*d filter=lfs\n" * 500_000
    assert kept_in_lfs({f"{'a' * 200}{number}": 5 for number in range(2_000)}, {".gitattributes": lines}) == ()
    assert submodules({"lib": A}, '[submodule "x"]\n' * 500_000)[0].url == ""
    assert submodules({"lib": A}, '[submodule "' + "\\" * 500_000)[0].url == ""
    assert not is_pointer(b"version https://git-lfs.github.com/spec/v1\n" + b"ext-0-a b\n" * 90)


def test_what_is_lacking_is_said() -> None:
    left_out = tuple((Submodule(f"lib{n}", "", A), "it does not come from the same owner.") for n in range(5))
    said = lacking(Absent(left_out, tuple(f"{n}.png" for n in range(9))), versions=False)
    assert said == (
        *(
            f"The submodule lib{n} is not in the sandbox: it does not come from the same owner. What needs it cannot "
            "be tested, unless `setup` in .github/solvebot.yml gets it from somewhere else."
            for n in range(3)
        ),
        "2 more submodules are not in the sandbox either.",
        "Kept in Git LFS: 0.png, 1.png, 2.png and 6 more. In the sandbox there are only pointers to them, and changes "
        "of them are not published.",
        VERSIONS,
    )
    assert lacking(Absent(), versions=True) == ()
    assert lacking(Absent((), ("a.png",)), versions=True)[0].startswith("Kept in Git LFS: a.png. In the sandbox")
