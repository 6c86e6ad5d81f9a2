"""How much of a past is taken, and under which names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.environment.history import (
    Part,
    Tag,
    branch_name,
    is_ref_name,
    makes_versions_from_git,
    nearest,
    packed_refs,
    usable,
)
from bot.core.model import Sha

LINE = {f"c{number}": (f"c{number - 1}",) if number else () for number in range(6)}
MERGE = {"m": ("a2", "b1"), "a2": ("a1",), "a1": ("r",), "b1": ("r",), "r": ()}
OCTOPUS = {"o": ("a", "b", "c"), "a": ("r",), "b": ("r",), "c": ("r",), "r": ()}


def part(commits: str, shallow: str = "") -> Part:
    return Part(frozenset(map(Sha, commits.split())), frozenset(map(Sha, shallow.split())))


@pytest.mark.parametrize(
    ("parents", "base", "most", "expected"),
    [
        pytest.param(LINE, "c5", 1, part("c5", "c5"), id="the commit alone"),
        pytest.param(LINE, "c5", 3, part("c5 c4 c3", "c3"), id="the latest"),
        pytest.param(LINE, "c5", 6, part("c0 c1 c2 c3 c4 c5"), id="all"),
        pytest.param(LINE, "c2", 100, part("c0 c1 c2"), id="nothing later"),
        pytest.param(LINE, "c0", 100, part("c0"), id="a root"),
        pytest.param(MERGE, "m", 3, part("m a2 b1", "a2 b1"), id="both sides of a merge"),
        pytest.param(MERGE, "m", 2, part("m", "m"), id="a merge has both parents or none"),
        pytest.param(MERGE, "m", 4, part("m a2 b1 a1", "a1 b1"), id="where the past ends differs from side to side"),
        pytest.param(MERGE, "m", 5, part("m a2 b1 a1 r"), id="the sides meet"),
        pytest.param(OCTOPUS, "o", 3, part("o", "o"), id="an octopus that is too large"),
        pytest.param(OCTOPUS, "o", 4, part("o a b c", "a b c"), id="an octopus"),
        pytest.param({"c1": ("c0",)}, "c1", 9, part("c1 c0", "c0"), id="what was not looked at is an end"),
        pytest.param({}, "c1", 9, part("c1", "c1"), id="nothing was looked at"),
        pytest.param({"a": ("b",), "b": ("a",)}, "a", 9, part("a b"), id="a circle, which git cannot make"),
    ],
)
def test_the_nearest_commits(parents: Mapping[Sha, Sequence[Sha]], base: str, most: int, expected: Part) -> None:
    assert nearest(parents, Sha(base), most) == expected


SHAS = st.integers(0, 30).map(lambda number: Sha(f"c{number}"))


@given(st.dictionaries(SHAS, st.lists(SHAS, max_size=4)), SHAS, st.integers(1, 20))
def test_a_part_is_a_repository(parents: dict[Sha, list[Sha]], base: Sha, most: int) -> None:
    """Every commit has all its parents or none, and can be reached."""
    found = nearest(parents, base, most)
    assert len(found.commits) <= most
    reached, waiting = {base}, [base]
    while waiting:
        commit = waiting.pop()
        above = () if commit in found.shallow else parents[commit]
        assert found.commits.issuperset(above)
        waiting += [parent for parent in above if parent not in reached]
        reached.update(above)
    assert reached == found.commits


@pytest.mark.parametrize(
    ("name", "takes"),
    [
        ("v1.0", True),
        ("release/2026-11", True),
        ("ümläut", True),
        ("a`b$(c);'d'", True),
        ("caf\udce9", True),
        ("", False),
        ("@", False),
        ("-rf", False),
        ("--upload-pack=x", False),
        ("a b", False),
        ("a\nb", False),
        ("a..b", False),
        ("../../x", False),
        (".hidden", False),
        ("a/.hidden", False),
        ("a.lock", False),
        ("a.lock/b", False),
        ("a//b", False),
        ("a/", False),
        ("a@{1}", False),
        ("a^{}", False),
        ("a" * 201, False),
        ("1" * 40, False),
        ("1" * 39, True),
    ],
)
def test_names_that_git_takes(name: str, takes: bool) -> None:
    assert is_ref_name(name) is takes
    assert branch_name(name) == (name if takes else "main")


def tag(name: str) -> Tag:
    return Tag(name, Sha("o"), Sha("c"))


def test_a_tag_and_a_directory_of_tags_cannot_have_one_name() -> None:
    tags = [tag(name) for name in ("v1/a", "v1", "v1/a/b", "v2/a", "v2/b", "-x", "v1")]
    assert sorted(tag.name for tag in usable(tags)) == ["v1", "v2/a", "v2/b"]


@given(st.lists(st.text(max_size=20).map(tag), max_size=30))
def test_any_names_at_all(tags: list[Tag]) -> None:
    names = {tag.name for tag in usable(tags)}
    assert names <= {tag.name for tag in tags}
    assert not any(a != b and a.startswith(f"{b}/") for a in names for b in names)


def test_packed_refs_say_what_an_annotated_tag_is_of() -> None:
    tags = [Tag("v1", Sha("1"), Sha("1")), Tag("v2", Sha("t"), Sha("2"))]
    assert packed_refs("trunk", Sha("3"), tags) == (
        "# pack-refs with: peeled fully-peeled \n3 refs/heads/trunk\n1 refs/tags/v1\nt refs/tags/v2\n^2\n"
    )


@pytest.mark.parametrize(
    ("text", "makes"),
    [
        ('[build-system]\nrequires = ["hatchling", "hatch-vcs"]\n', True),
        ("[tool.setuptools_scm]\n", True),
        ("setup(use_scm_version=True, setup_requires=['setuptools-scm'])\n", True),
        ("import versioneer\n", True),
        ('requires = ["poetry-core", "poetry-dynamic-versioning"]\n', True),
        ("VERSION := $(shell git describe --tags)\n", True),
        ('[project]\nname = "x"\nversion = "1"\n', False),
        ("", False),
    ],
)
def test_versions_made_from_git(text: str, makes: bool) -> None:
    assert makes_versions_from_git(["", text]) is makes
