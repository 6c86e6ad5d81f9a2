"""The tables of policies, entry by entry, with literal values: whoever drops or changes one, fails here.

Nothing here is made from the table that it checks.
"""

from __future__ import annotations

import pytest

from bot.core.candidate.gates import GatePolicy
from bot.core.choosing.phrases import objection
from bot.core.model import (
    ChangeKind,
    Draft,
    Gate,
    GateFailure,
    Limits,
    Permission,
    PullRequestConfig,
    RepoConfig,
    SolveOptions,
)
from bot.core.text.secrets import find_secrets, redact
from bot.core.trigger.commands import SolveCommand, parse_commands
from bot.core.trigger.config import parse_config
from tests.core.test_gates import candidate, gates


def each(names: str) -> list[str]:
    return names.split()


# ---------------------------------------------------------------------------------------------------------- gates

PROTECTED = each(
    """
    .github/solvebot.yml .github/CODEOWNERS .gitlab-ci.yml .gitlab/ci/x.yml .circleci/config.yml
    .buildkite/pipeline.yml .ci/run .drone.yml .woodpecker.yml .woodpecker/x.yml .travis.yml .cirrus.yml
    .semaphore/x.yml .teamcity/settings.kts .gitea/workflows/x.yml .forgejo/workflows/x.yml azure-pipelines.yml
    azure-pipelines-release.yml .azure-pipelines/x.yml bitbucket-pipelines.yml appveyor.yml .appveyor.yml
    cloudbuild.yaml cloudbuild.yml buildspec.yml buildspec.yaml Jenkinsfile deploy/Jenkinsfile.release
    .cirrus.star .drone.yaml .drone.star .drone.jsonnet .zuul.yaml .zuul.d/x zuul.yaml zuul.d/x .builds/x.yml .build.yml
    .tekton/x .harness/x .jenkins/x .pipelines/x .vsts-ci.yml .taskcluster.yml screwdriver.yaml screwdriver.yml
    wercker.yml shippable.yml .shippable.yml bitrise.yml codemagic.yaml ci_scripts/x.sh buddy.yml .dagger/x
    .readthedocs.yaml .readthedocs.yml readthedocs.yml readthedocs.yaml
    CODEOWNERS docs/CODEOWNERS
    """
)
NOT_PROTECTED = each(
    """
    src/.github/x src/.gitlab-ci.yml src/.circleci/x src/.travis.yml docs/appveyor.yml src/cloudbuild.yml
    src/buildspec.yml src/.ci/run src/.drone.yml src/.buildkite/x src/.teamcity/x src/.gitea/x src/.forgejo/x
    src/.semaphore/x github/x src/bitbucket-pipelines.yml src/.cirrus.yml src/.appveyor.yml
    src/.azure-pipelines/x pipelines.yml codeowners.py src/.cirrus.star src/.drone.yaml src/.drone.star
    src/.drone.jsonnet src/.zuul.yaml src/.zuul.d/x src/zuul.yaml src/zuul.d/x src/.builds/x src/.build.yml
    src/.tekton/x src/.harness/x src/.jenkins/x src/.pipelines/x src/.vsts-ci.yml src/.taskcluster.yml
    src/screwdriver.yaml src/wercker.yml src/shippable.yml src/.shippable.yml src/bitrise.yml src/codemagic.yaml
    src/ci_scripts/x src/buddy.yml src/.dagger/x src/.readthedocs.yaml src/readthedocs.yml
    """
)


@pytest.mark.parametrize("path", PROTECTED)
def test_a_protected_path_stays_so_whatever_the_repository_says(path: str) -> None:
    for written in (path, path.upper(), path.lower()):
        assert gates(candidate(written), GatePolicy(("!*", f"!/{path}"))) == [Gate.PROTECTED_PATH]


@pytest.mark.parametrize("path", NOT_PROTECTED)
def test_what_looks_like_it_elsewhere_is_not(path: str) -> None:
    assert gates(candidate(path)) == []


LOCKFILES = each(
    """
    package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb poetry.lock uv.lock
    pdm.lock Pipfile.lock Cargo.lock go.sum Gemfile.lock composer.lock gradle.lockfile mix.lock Podfile.lock
    flake.lock
    """
)


@pytest.mark.parametrize("name", LOCKFILES)
def test_a_lock_file_is_protected_unless_the_repository_says_otherwise(name: str) -> None:
    assert gates(candidate(name)) == [Gate.PROTECTED_PATH]
    assert gates(candidate(f"web/app/{name}")) == [Gate.PROTECTED_PATH]
    assert gates(candidate(name), GatePolicy((f"!{name}",))) == []
    assert gates(candidate(f"{name}.md")) == []


def test_the_size_of_a_patch() -> None:
    policy = GatePolicy()
    assert (policy.max_patch_bytes, policy.max_lines, policy.max_files) == (400_000, 2_000, 60)


OBJECTIONS = {
    "EMPTY": ("empty", "changes nothing"),
    "DOES_NOT_APPLY": ("does not apply", "does not apply"),
    "PROTECTED_PATH": ("protected path", "changes a protected path"),
    "WORKFLOW": ("workflow file", "changes a workflow file"),
    "FILE_NAME": ("file name", "has a file name that cannot be published"),
    "SYMLINK": ("symlink", "adds or replaces a symlink"),
    "SUBMODULE": ("submodule", "changes a submodule, which is a repository of its own"),
    "LFS": ("Git LFS", "writes a file that belongs into Git LFS, of which we have only pointers"),
    "BINARY": ("binary", "adds a binary file"),
    "SECRET": ("secret", "brings in a secret"),
    "TOO_LARGE": ("too large", "is too large"),
    "TESTS_DELETED": ("tests deleted", "deletes tests"),
    "TESTS_SKIPPED": ("tests skipped", "skips tests"),
}


def test_every_gate_has_its_name_and_its_objection() -> None:
    assert {gate.name: (gate.value, objection(GateFailure(gate, ""))) for gate in Gate} == OBJECTIONS


@pytest.mark.parametrize(
    ("path", "removed"),
    [
        ("src/app.py", "x = 1"),
        ("src/app.py", "def test_connection():\n    pass"),
        ("src/test_tools/app.py", "x = 1"),
        ("docs/testing.md", "text"),
        ("tests/data.json", "{}"),
        ("tests/conftest.py", "x = 1"),
        ("tests/helpers.py", "def test_me():"),
        ("src/app.js", "it('adds', () => {"),
        ("Makefile", "test:"),
    ],
)
def test_a_deleted_file_that_is_no_test_file_is_no_deleted_test(path: str, removed: str) -> None:
    assert gates(candidate(path, added="", removed=removed, kind=ChangeKind.DELETED)) == []


# -------------------------------------------------------------------------------------------------------- secrets

A = "aB3dE5gH7jK9mN1pQ3sT5vW7yZaB3dE5gH7jK9mN1pQ3sT5vW7yZaB3dE5"  # pieces, so that no scanner takes this for a leak
HEX = "0123456789abcdef" * 4
UPPER = "QYLPMN5HHHFPZAM2"

# The prefix, and the least of what has to stand behind it.
SHAPES = [
    ("a GitHub token", "ghs_", A[:20]),
    ("a GitHub token", "ghp_", A[:30]),
    ("a GitHub token", "gho_", A[:30]),
    ("a GitHub token", "ghu_", A[:30]),
    ("a GitHub token", "ghr_", A[:30]),
    ("a GitHub token", "github_pat_", A[:40]),
    *(("a GitLab token", f"{kind}-", A[:20]) for kind in ("glpat", "gldt", "glrt", "glcbt", "glptt")),
    ("an AWS key", "AKIA", UPPER),
    ("an AWS key", "ASIA", UPPER),
    *(("a Slack token", f"xox{kind}-", A[:20]) for kind in "abeoprs"),
    ("a Slack token", "xapp-", A[:20]),
    ("a Slack webhook", "hooks.slack.com/services/T012345/B012345/", A[:20]),
    ("a Google API key", "AIza", A[:35]),
    ("a Google secret", "GOCSPX-", A[:28]),
    ("an API key", "gsk_", A[:40]),
    ("an API key", "hf_", "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"),
    ("an API key", "xai-", A[:40]),
    ("an API key", "pplx-", A[:40]),
    ("an npm token", "npm_", A[:36]),
    ("a PyPI token", "pypi-AgE", A[:50]),
    *(("a Docker token", f"dckr_{kind}_", A[:20]) for kind in ("pat", "oat")),
    *(("a DigitalOcean token", f"do{kind}_v1_", HEX) for kind in "opr"),
    ("a SendGrid key", f"SG.{A[:22]}.", A[:43]),
    *(("a Shopify token", f"shp{kind}_", HEX[:32]) for kind in ("at", "ca", "pa", "ss")),
    ("a Linear key", "lin_api_", A[:40]),
    ("a Vault token", "hvs.", (A + A)[:90]),
    ("an age key", "AGE-SECRET-KEY-1", (UPPER * 4)[:58]),
    ("an API key", "sk-ant-", A[:20]),
    ("an API key", "sk-or-", A[:20]),
    ("an API key", "sk-proj-", A[:20]),
    ("an API key", "sk-svcacct-", A[:20]),
    ("an API key", "sk-admin-", A[:20]),
    ("an API key", "sk-", A[:40]),
    ("an E2B key", "e2b_", HEX[:32]),
    ("a Stripe key", "sk_live_", A[:20]),
    ("a Stripe key", "rk_live_", A[:20]),
    ("a JSON Web Token", f"eyJ{A[:10]}.eyJ{A[:10]}.", A[:20]),
]


@pytest.mark.parametrize(("kind", "prefix", "least"), SHAPES)
def test_every_shape_is_found_from_its_least_length_on(kind: str, prefix: str, least: str) -> None:
    [found] = find_secrets(f"key: {prefix}{least}")
    assert found.kind == kind
    assert redact(f"key: {prefix}{least}") == "key: [redacted]"
    assert find_secrets(f"key: {prefix}{least[:-1]}") == []


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ", "PGP ", "SSH2 ENCRYPTED "])
def test_every_kind_of_private_key_is_found(kind: str) -> None:
    assert [found.kind for found in find_secrets(f"-----BEGIN {kind}PRIVATE" + " KEY-----\nMII")] == ["a private key"]
    assert redact(f"x\n-----BEGIN {kind}PRIVATE" + f" KEY-----\nMII+/=\n-----END {kind}PRIVATE KEY-----\ny") == (
        "x\n[redacted]\ny"
    )


@pytest.mark.parametrize(("value", "gone"), [("abcde", False), ("abcdef", True)])
def test_an_exact_value_of_six_characters_is_redacted(value: str, gone: bool) -> None:
    assert ("[redacted]" in redact(f"it is {value} here", [value])) is gone


# ------------------------------------------------------------------------------------------------------- defaults


def test_the_defaults_of_a_solve() -> None:
    assert Limits() == Limits(parallel=3, minutes=30.0, dollars=2.0, steps=150, rounds=1)
    assert RepoConfig() == RepoConfig(
        labels=("solve-me",), who=Permission.WRITE, trust=0.35, setup=None, test=None, repro=None, models=(),
        attempts=None, strategies=(), parallel=None, minutes=None, dollars=None, steps=None, command=None, protect=(),
        rounds=None, pull_request=PullRequestConfig(Draft.AUTO, (), ("requester",), "solvebot/{issue}-{slug}", False),
    )  # fmt: skip


@pytest.mark.parametrize("word", ["/solver", "/solved", "/solves", "/salve", "/sole"])
def test_words_of_their_own_are_nothing_for_us(word: str) -> None:
    assert parse_commands(word) == []


@pytest.mark.parametrize(
    ("least", "most", "above"),
    [
        ("attempts=1", "attempts=8", "attempts=9"),
        ("temperature=0", "temperature=2", "temperature=2.1"),
        ("budget=0.01", "budget=1000", "budget=1001"),
        ("time=1m", "time=24h", "time=24h1m"),
        ("repro=x", "repro=" + "x" * 1_000, "repro=" + "x" * 1_001),
        ("base=x", "base=" + "x" * 200, "base=" + "x" * 201),
    ],
)
def test_the_range_of_every_option(least: str, most: str, above: str) -> None:
    for within in (least, most):
        [command] = parse_commands(f"/solve {within}")
        assert isinstance(command, SolveCommand)
        assert command.options != SolveOptions()
    [command] = parse_commands(f"/solve {above}")
    assert not isinstance(command, SolveCommand)


@pytest.mark.parametrize(
    ("least", "most", "below", "above"),
    [
        ("attempts: 1", "attempts: 8", "attempts: 0", "attempts: 9"),
        ("rounds: 1", "rounds: 2", "rounds: 0", "rounds: 3"),
        ("trust: 0", "trust: 1", "trust: -0.1", "trust: 1.1"),
        ("limits: {parallel: 1}", "limits: {parallel: 8}", "limits: {parallel: 0}", "limits: {parallel: 9}"),
        ("limits: {minutes: 1}", "limits: {minutes: 1440}", "limits: {minutes: 0}", "limits: {minutes: 1441}"),
        ("limits: {dollars: 0.01}", "limits: {dollars: 1000}", "limits: {dollars: 0}", "limits: {dollars: 1001}"),
        ("limits: {steps: 1}", "limits: {steps: 1000}", "limits: {steps: 0}", "limits: {steps: 1001}"),
        ("limits: {command: 1}", "limits: {command: 3600}", "limits: {command: 0}", "limits: {command: 3601}"),
    ],
)
def test_the_range_of_every_number_of_the_configuration(least: str, most: str, below: str, above: str) -> None:
    assert [isinstance(parse_config(text), RepoConfig) for text in (least, most, below, above)] == [
        True, True, False, False
    ]  # fmt: skip
