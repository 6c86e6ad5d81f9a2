"""Gates: what no candidate may do. The patches here are as git writes them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.candidate.gates import GatePolicy, check_gates, skips_its_own_tests
from bot.core.candidate.skips import silenced
from bot.core.candidate.testfiles import is_test_file, is_test_support
from bot.core.model import Candidate, ChangeKind, FileChange, Gate, GateFailure, RunId, Sha

POLICY = GatePolicy()
SHA = Sha("1" * 40)
TOKEN = "ghs_" + "a1B2" * 9
JWT = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTYifQ." + "c2lnbmF0dXJlLXNpZ25hdHVyZQ"


def change(path: str, kind: ChangeKind = ChangeKind.MODIFIED, *, mode: str = "100644", lines: int = 1) -> FileChange:
    old = "000000" if kind is ChangeKind.ADDED else "100644"
    new = "000000" if kind is ChangeKind.DELETED else mode
    return FileChange(path, kind, old, new, SHA, 10, lines, 0)


def section(path: str, added: list[str], removed: list[str]) -> str:
    lines = "".join(f"-{line}\n" for line in removed) + "".join(f"+{line}\n" for line in added)
    head = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
    return f"{head}@@ -1,{len(removed)} +1,{len(added)} @@ class Context:\n{lines}"


def candidate(
    path: str = "app.py",
    *,
    added: str = "x = 1",
    removed: str = "",
    kind: ChangeKind = ChangeKind.MODIFIED,
    mode: str = "100644",
) -> Candidate:
    lines = [text.split("\n") if text else [] for text in (added, removed)]
    return Candidate(RunId("r"), section(path, *lines), (change(path, kind, mode=mode),))


def both(first: Candidate, second: Candidate) -> Candidate:
    return Candidate(RunId("r"), first.patch + second.patch, first.changes + second.changes)


def gates(candidate: Candidate, policy: GatePolicy = POLICY) -> list[Gate]:
    return [failure.gate for failure in check_gates(candidate, policy)]


def test_an_ordinary_fix_passes() -> None:
    fix = candidate("pkg/app.py", added="return None  # task-force", removed="return 0")
    test = candidate("tests/test_app.py", added="def test_none():\n    assert f() is None", kind=ChangeKind.ADDED)
    assert check_gates(both(fix, test), POLICY) == ()


def test_empty() -> None:
    assert check_gates(Candidate(RunId("r"), "", ()), POLICY) == (GateFailure(Gate.EMPTY, ""),)


@pytest.mark.parametrize(
    ("path", "gate"),
    [
        (".github/workflows/ci.yml", Gate.WORKFLOW),
        (".github/WORKFLOWS/deploy/x.yaml", Gate.WORKFLOW),
        (".github/solvebot.yml", Gate.PROTECTED_PATH),
        (".github/actions/x/action.yml", Gate.PROTECTED_PATH),
        (".GitHub/dependabot.yml", Gate.PROTECTED_PATH),
        (".gitlab-ci.yml", Gate.PROTECTED_PATH),
        (".circleci/config.yml", Gate.PROTECTED_PATH),
        ("azure-pipelines.yml", Gate.PROTECTED_PATH),
        ("Jenkinsfile", Gate.PROTECTED_PATH),
        ("deploy/Jenkinsfile.release", Gate.PROTECTED_PATH),
        (".travis.yml", Gate.PROTECTED_PATH),
        ("CODEOWNERS", Gate.PROTECTED_PATH),
        ("docs/CODEOWNERS", Gate.PROTECTED_PATH),
        ("web/package-lock.json", Gate.PROTECTED_PATH),
        ("Cargo.lock", Gate.PROTECTED_PATH),
        ("go.sum", Gate.PROTECTED_PATH),
        (".gitmodules", Gate.SUBMODULE),
        ('"src/\\377.py"', Gate.FILE_NAME),  # as a path is shown that is not UTF-8
        ("src/a\nb.py", Gate.FILE_NAME),
        ("src/\x1b[2J.py", Gate.FILE_NAME),
        ("src/größe.py", None),
        ('"', None),
        ("package.json", None),
        ("src/.github/x.py", None),
        ("docs/workflows/ci.yml", None),
        ("lock.py", None),
    ],
)
def test_paths(path: str, gate: Gate | None) -> None:
    assert check_gates(candidate(path), POLICY) == ((GateFailure(gate, path),) if gate else ())


ALL_PROTECTED = """
    .husky/pre-commit .githooks/post-checkout .git-hooks/pre-push .huskyrc.json .pre-commit-config.yaml
    lefthook.yml .pre-commit-config.yml .lefthook/pre-commit/lint.sh .lefthook.yaml lefthook-local.yml
    lefthook.toml lefthook.json .overcommit.yml .lintstagedrc.json lint-staged.config.mjs .simple-git-hooks.cjs
    .gitconfig .vscode/tasks.json .vscode/settings.json web/.vscode/launch.json .VSCode/tasks.json
    .idea/workspace.xml .devcontainer/devcontainer.json .devcontainer.json .zed/tasks.json .fleet/run.json
    .vs/launch.vs.json .nova/x app.code-workspace a.sublime-project .exrc .vimrc .lvimrc .nvimrc .nvim.lua
    .nvim/init.lua .dir-locals.el .dir-locals-2.el .gitpod.yml .gitpod.Dockerfile .replit .codesandbox/tasks.json
    .stackblitzrc .envrc .autoenv .autoenv.zsh .mise.toml mise.toml .mise/tasks/x .rtx.toml .bashrc .bash_profile
    .profile .zshrc .zshenv .inputrc .gdbinit .lldbinit .pdbrc .pdbrc.py .irbrc .pryrc .Rprofile .Renviron .ghci
    .npmrc web/.npmrc .yarnrc .yarnrc.yml .yarn/releases/yarn.cjs .pnpmfile.cjs .pnpmfile.mjs pnpmfile.js
    bunfig.toml pip.conf pip.ini .pip/pip.conf .pypirc uv.toml poetry.toml .condarc .cargo/config
    .cargo/config.toml crates/a/.cargo/config.toml .bundle/config .gemrc NuGet.Config .mvn/jvm.config .curlrc
    .wgetrc .netrc _netrc gradle/wrapper/gradle-wrapper.properties gradle/wrapper/gradle-wrapper.jar
    .claude/settings.json .claude.json CLAUDE.md CLAUDE.local.md .mcp.json .cursor/rules/x.mdc .cursorrules
    .gemini/settings.json GEMINI.md .codex/config.toml AGENTS.md src/AGENTS.md AGENT.md .agents/x .agent/x
    .aider.conf.yml .windsurf/rules/a.md .windsurfrules .clinerules .clinerules/a.md .cline/x .roo/mcp.json
    .roorules .roorules-code .roomodes .kilocode/mcp.json .kilocodemodes .continue/config.yaml .continuerc.json
    .opencode/x opencode.json opencode.jsonc .qwen/settings.json QWEN.md .kiro/hooks/x .junie/guidelines.md
    .augment/rules .augment-guidelines .goose/x .goosehints .trae/rules/x .copilot/x .openhands/setup.sh
    .amazonq/rules/x .crush/x .crush.json crush.json .factory/x .amp/settings.json .tabnine/x .rules renovate.json
    renovate.json5 .renovaterc .renovaterc.json .renovaterc.json5 .dependabot/config.yml .mergify.yml
    .mergify/config.yml .kodiak.toml bors.toml action.yml tools/setup/action.yaml .pre-commit-hooks.yaml
    package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb poetry.lock uv.lock pdm.lock
    Pipfile.lock Cargo.lock go.sum Gemfile.lock composer.lock gradle.lockfile mix.lock Podfile.lock flake.lock
"""


def test_what_runs_on_a_reviewers_machine_is_protected() -> None:
    for path in ALL_PROTECTED.split():
        for kind in ChangeKind:
            assert gates(candidate(path, kind=kind)) == [Gate.PROTECTED_PATH], path


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("!.vscode/", ".vscode/tasks.json"),
        ("!.vscode/", "web/.VSCode/tasks.json"),
        ("!.vscode/**", ".vscode/a/tasks.json"),
        ("!AGENTS.md", "src/AGENTS.md"),
        ("!Cargo.lock", "Cargo.lock"),
        ("!action.yml", "tools/setup/action.yml"),
        ("!.cargo/config.toml", ".cargo/config.toml"),
        ("!.npmrc", ".npmrc"),
    ],
)
def test_a_repository_takes_back_what_is_protected_by_default(pattern: str, path: str) -> None:
    assert gates(candidate(path), GatePolicy(protect=(pattern,))) == []
    assert gates(candidate(path), GatePolicy(protect=("!other/**", "docs/"))) == [Gate.PROTECTED_PATH]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".husky/pre-commit", "git runs it on a reviewer's machine"),
        (".vscode/tasks.json", "an editor obeys it when a reviewer opens the branch"),
        (".envrc", "a shell or a debugger obeys it in a reviewer's clone"),
        (".npmrc", "it says where a reviewer's package manager gets packages from, or what that runs"),
        (".claude/settings.json", "agents on a reviewer's machine obey it"),
        ("renovate.json", "a robot with rights of its own obeys it"),
    ],
)
def test_why_it_is_protected_is_said(path: str, why: str) -> None:
    assert check_gates(candidate(path), POLICY) == (GateFailure(Gate.PROTECTED_PATH, f"{path}: {why}"),)


@pytest.mark.parametrize(
    "path",
    [
        *("src/husky.py", "docs/vscode.md", "npmrc.py", "src/claude.py", "agents.py", "cargo/config.toml", "action.py"),
        *("Makefile", "package.json", "setup.py", "pyproject.toml", "Dockerfile", "yarn/x.js", "rules", "src/mise.py"),
        *(".gitignore", ".editorconfig", ".env.example", ".prettierrc", "src/.hidden.py", "README.md", "tox.ini"),
    ],
)
def test_what_is_not_protected(path: str) -> None:
    assert gates(candidate(path)) == []


@pytest.mark.parametrize(
    "odd",
    [
        *("\u200b", "\u200d", "\u200e", "\u202e", "\u2066", "\u2069", "\ufeff", "\xad", "\u061c", "\U000e0041"),  # Cf
        *("\u2028", "\u2029", "\x85", "\x9b", "\x7f", "\t"),  # line and paragraph ends, control characters
        *("\xa0", "\u2003", "\u3000", "\u202f"),  # blanks
        *("\ufe0f", "\u034f", "\u115f", "\u3164", "\uffa0", "\u180b"),  # letters and marks that are drawn as nothing
        *("\ue000", "\U000f0000", "\ufdd0", "\udc80"),  # private, unassigned, not UTF-8
    ],
)
def test_a_name_that_looks_like_another_one_is_not_published(odd: str) -> None:
    for path in (f"src/a{odd}.py", f"{odd}src/a.py", f"src{odd}/a.py"):
        assert Gate.FILE_NAME in gates(candidate(path))


@pytest.mark.parametrize("path", ["with blank.py", "größe.py", "ф.py", "日本.py", "e\u0301.py", "नमस्ते.py", "a'b$.py"])
def test_names_in_any_language_are_published(path: str) -> None:
    assert gates(candidate(path)) == []


def test_a_patch_of_new_empty_files_changes_nothing() -> None:
    """What a shell leaves behind; beside a change, a package needs its empty `__init__.py`."""
    empty = replace(change("pkg/__init__.py", ChangeKind.ADDED), size=0, added=0)
    nothing = Candidate(RunId("r"), "", (empty, replace(empty, path="out")))
    assert gates(nothing) == [Gate.EMPTY]
    assert gates(both(nothing, candidate())) == []
    assert gates(replace(nothing, changes=(replace(empty, new_mode="120000"),))) == [Gate.SYMLINK]
    emptied = Candidate(RunId("r"), section("a.py", [], ["x"]), (replace(change("a.py"), size=0),))
    assert gates(emptied) == []


KNOWN_EXAMPLES = [
    "AKIA" + "IOSFODNN7EXAMPLE",
    "AKIA" + "I44QH8DHBEXAMPLE",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    + "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ."
    "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt."
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "ghp_" + "x" * 36,
    "ghp_" + "0123456789" * 4,
    "ghs_" + "abcdefghijklmnopqrstuvwxyz0123456789",
    "sk-or-v1-" + "0123456789abcdef" * 4,
    "sk-proj-" + "your-api-key-goes-in-here-please",
    "xoxb-" + "this-is-not-a-real-token-at-all",
    "github_pat_" + "EXAMPLE_" * 6,
    "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEow...\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN " + "PRIVATE KEY-----",
]


@pytest.mark.parametrize("example", KNOWN_EXAMPLES)
def test_an_example_of_a_key_is_no_secret(example: str) -> None:
    """Tests of whatever reads keys need some; a fix is not thrown away for them."""
    assert gates(candidate("tests/fixtures/key.txt", added=f"key = '{example}'", kind=ChangeKind.ADDED)) == []


BODY = "MC4CAQAwBQYDK2VwBCIEIHhYz0123456789AbCdEfGhIjKlMnOpQrStUvWxYzab0q"


@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + "QYLPMN5HHHFPZAM2",
        "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ0123456789",
        "sk-or-v1-" + "0f1e2d3c4b5a69788796a5b4c3d2e1f0" * 2,
        JWT,
        "-----BEGIN " + f"PRIVATE KEY-----\n{BODY}\n-----END PRIVATE KEY-----",
        "-----BEGIN " + f"PRIVATE KEY-----\\n{BODY}\\n-----END PRIVATE KEY-----",
    ],
)
def test_what_could_open_something_is_a_secret_wherever_it_is(secret: str) -> None:
    for path in ("tests/fixtures/key.txt", "docs/example.md"):
        assert gates(candidate(path, added=f"key = '{secret}'", kind=ChangeKind.ADDED)) == [Gate.SECRET]


@pytest.mark.parametrize(
    ("path", "gate"),
    [
        ('".github/workflows/\\377.yml"', Gate.WORKFLOW),
        ('".\\107ithub/\\377"', Gate.PROTECTED_PATH),
        ('"\\377/package-lock.json"', Gate.PROTECTED_PATH),
    ],
)
def test_paths_that_are_not_utf8_are_protected_like_others(path: str, gate: Gate) -> None:
    assert gates(candidate(path)) == [gate, Gate.FILE_NAME]


@pytest.mark.parametrize(
    ("protect", "path", "protected"),
    [
        (("migrations/**",), "migrations/0001.py", True),
        (("migrations/**",), '"migrations/\\377.py"', True),
        (("migrations/**",), "app/migrations/0001.py", False),
        (("migrations/",), "app/migrations/0001.py", True),
        (("*.sql", "!keep.sql"), "db/a.sql", True),
        (("*.sql", "!keep.sql"), "db/keep.sql", False),
        (("!poetry.lock",), "poetry.lock", False),
        (("!.github/**", "!Jenkinsfile"), ".github/x", True),
        (("!.github/**", "!Jenkinsfile"), "Jenkinsfile", True),
        (("/secrets/*", "!/secrets/public/"), "secrets/public/x", False),
    ],
)
def test_the_repositorys_own_patterns(protect: tuple[str, ...], path: str, protected: bool) -> None:
    assert (Gate.PROTECTED_PATH in gates(candidate(path), GatePolicy(protect))) is protected


def test_a_detail_names_a_few_and_counts_the_rest() -> None:
    changes = tuple(change(f".github/{n}") for n in range(5))
    failures = check_gates(Candidate(RunId("r"), "", changes), POLICY)
    assert failures == (GateFailure(Gate.PROTECTED_PATH, ".github/0, .github/1, .github/2 and 2 more"),)


@pytest.mark.parametrize(
    ("bad", "gate"),
    [
        (candidate("link", kind=ChangeKind.ADDED, mode="120000"), Gate.SYMLINK),
        (candidate("app.py", mode="120000"), Gate.SYMLINK),
        (candidate("lib", kind=ChangeKind.ADDED, mode="160000"), Gate.SUBMODULE),
        (candidate("lib", mode="160000"), Gate.SUBMODULE),
    ],
)
def test_modes(bad: Candidate, gate: Gate) -> None:
    assert gates(bad) == [gate]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [(ChangeKind.ADDED, [Gate.LFS]), (ChangeKind.MODIFIED, [Gate.LFS]), (ChangeKind.DELETED, [])],
)
def test_what_stands_for_a_file_in_lfs_may_only_go(kind: ChangeKind, binary: bool, expected: list[Gate]) -> None:
    changes = (replace(change("logo.png", kind), binary=binary), change("a.py"))
    policy = GatePolicy(pointers=frozenset({"logo.png", "other.png"}))
    found = check_gates(Candidate(RunId("r"), "", changes), policy)
    assert [failure.gate for failure in found] == expected
    assert all(failure.detail == "logo.png" for failure in found)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(ChangeKind.ADDED, [Gate.BINARY]), (ChangeKind.MODIFIED, [Gate.BINARY]), (ChangeKind.DELETED, [])],
)
def test_binaries_may_only_go(kind: ChangeKind, expected: list[Gate]) -> None:
    binary = FileChange("a.png", kind, "100644", "100644", SHA, 9, 0, 0, binary=True)
    assert gates(Candidate(RunId("r"), "", (binary,))) == expected


@pytest.mark.parametrize(
    ("large", "detail"),
    [
        (candidate(added="x" * 400_000), "the patch has 4000"),
        (Candidate(RunId("r"), "", (change("a", lines=2001),)), "2001 lines changed, 2000 are allowed"),
        (Candidate(RunId("r"), "", tuple(change(f"{n}") for n in range(61))), "61 files changed, 60 are allowed"),
        (Candidate(RunId("r"), "", (), overflow="more than 200000 files"), "more than 200000 files"),
    ],
)
def test_too_large(large: Candidate, detail: str) -> None:
    (failure,) = check_gates(large, POLICY)
    assert failure.gate is Gate.TOO_LARGE
    assert failure.detail.startswith(detail)


def test_limits_themselves_are_allowed() -> None:
    assert gates(Candidate(RunId("r"), "", tuple(change(f"{n}", lines=33) for n in range(60)))) == []


# ------------------------------------------------------------------------------------------------------- secrets


def test_a_secret_is_named_by_kind_and_file_and_not_shown() -> None:
    failures = check_gates(candidate("config.py", added=f"TOKEN = '{TOKEN}'\nOTHER = '{TOKEN}'"), POLICY)
    assert failures == (GateFailure(Gate.SECRET, "a GitHub token in config.py"),)


@pytest.mark.parametrize("moved", [f"a = '{TOKEN}'", f"    return '{JWT}'"])
def test_what_was_there_before_is_not_the_candidates_secret(moved: str) -> None:
    assert gates(both(candidate("a.py", removed=moved, added="x"), candidate("b.py", added=moved))) == []
    assert gates(candidate("a.py", removed=moved, added="x")) == []


def test_a_line_that_looks_like_a_header_is_content() -> None:
    assert gates(candidate(added=f"++ b/x {TOKEN}\ny", removed="-- a/x\n@@ -1 +1 @@")) == [Gate.SECRET]


def test_a_text_in_an_old_encoding_is_searched_too() -> None:
    header = 'diff --git "a/caf\\303\\251.txt" "b/caf\\303\\251.txt"\nindex 1..2 100644\n'
    patch = f"{header}GIT binary patch\nliteral 3\nKc$x\n\n"
    latin = Candidate(RunId("r"), patch, (change("café.txt"),))
    assert check_gates(latin, POLICY) == ()
    failures = check_gates(latin, POLICY, {"café.txt": b"caf\xe9 " + TOKEN.encode()})
    assert failures == (GateFailure(Gate.SECRET, "a GitHub token in café.txt"),)


# --------------------------------------------------------------------------------------------------------- tests


@pytest.mark.parametrize(
    ("path", "removed", "added", "deleted"),
    [
        ("tests/test_a.py", "def test_a():\n    assert f()", "", True),
        ("tests/test_a.py", "def test_a():\n    assert f()", "def test_a(tmp_path):\n    assert g()", False),
        ("tests/test_a.py", "def test_a():", "def test_better_name():", False),
        ("tests/test_a.py", "def test_a():\ndef test_b():", "def test_c():", True),
        ("tests/test_a.py", "    async def test_a(self):", "    x = 1", True),
        ("tests/test_a.py", "def helper():", "", False),
        ("src/app.py", "def test_connection():", "", False),
        ("src/a.test.ts", "it('adds', () => {", "", True),
        ("src/a.test.ts", "  test.each(rows)('adds', () => {", "test('adds', () => {", False),
        ("a_test.go", "func TestAdd(t *testing.T) {", "", True),
        ("tests/it.rs", "    fn adds() {", "", True),
        ("src/test/java/AddTest.java", "    public void adds() {", "", True),
        ("src/test/kotlin/AddTest.kt", "    fun `adds two`() {", "", True),
        ("spec/add_spec.rb", '  it "adds" do', "", True),
        ("test/add_test.rb", "  def test_adds", "", True),
    ],
)
def test_deleted_tests(path: str, removed: str, added: str, deleted: bool) -> None:
    assert gates(candidate(path, removed=removed, added=added)) == ([Gate.TESTS_DELETED] if deleted else [])


def test_a_test_file_may_be_moved_and_not_removed() -> None:
    old = candidate("tests/test_a.py", removed="def test_a():", added="", kind=ChangeKind.DELETED)
    new = candidate("tests/unit/test_a.py", added="def test_a():", kind=ChangeKind.ADDED)
    assert gates(both(old, new)) == []
    assert gates(old) == [Gate.TESTS_DELETED]
    without_names = candidate("tests/test_a.py", removed="check(1)", added="", kind=ChangeKind.DELETED)
    assert check_gates(without_names, POLICY) == (GateFailure(Gate.TESTS_DELETED, "tests/test_a.py"),)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("tests/test_a.py", "@pytest.mark.skip(reason='flaky')"),
        ("tests/test_a.py", "    @pytest.mark.xfail"),
        ("tests/test_a.py", "pytestmark = mark.skipif(True)"),
        ("tests/test_a.py", "    pytest.skip('no')"),
        ("tests/test_a.py", "    @unittest.skipIf(True, '')"),
        ("tests/test_a.py", "    self.skipTest('no')"),
        ("tests/test_a.py", "__test__ = False"),
        ("tests/conftest.py", "collect_ignore = ['test_a.py']"),
        ("pyproject.toml", "addopts = '--deselect tests/test_a.py'"),
        ("setup.cfg", "addopts = --ignore=tests"),
        ("package.json", '  "testPathIgnorePatterns": ["a"]'),
        ("a.test.js", "it.only('x', () => {"),
        ("a.test.js", "  describe.skip('x', () => {"),
        ("a.spec.ts", "xit('x', () => {"),
        ("a.spec.ts", "fdescribe('x', () => {"),
        ("a_test.go", '\tt.Skip("later")'),
        ("tests/it.rs", "#[ignore]"),
        ("src/test/java/ATest.java", "    @Disabled"),
        ("src/test/java/ATest.java", '    @Ignore("x")'),
        ("spec/a_spec.rb", "    skip 'later'"),
        ("spec/a_spec.rb", "    pending"),
    ],
)
def test_skipped_tests(path: str, line: str) -> None:
    assert check_gates(candidate(path, added=line), POLICY) == (GateFailure(Gate.TESTS_SKIPPED, path),)


@pytest.mark.parametrize(
    ("path", "added", "removed"),
    [
        ("src/app.py", "@pytest.mark.skip", ""),
        ("src/app.py", "if options.skip: return", ""),
        ("tests/test_a.py", "    @pytest.mark.skip", "@pytest.mark.skip"),
        ("tests/test_a.py", "def test_skips_blank_lines():", ""),
        ("tests/test_a.py", "    skip = reader.skip(2)", ""),
        ("package.json", '"lint": "eslint --ignore-path .gitignore",', ""),
        ("a.test.js", "expect(iterator.skip(2)).toBe(only)", ""),
        ("a_test.go", "// t.Skipped is not it", ""),
    ],
)
def test_not_a_skip(path: str, added: str, removed: str) -> None:
    assert gates(candidate(path, added=added, removed=removed)) == []


NEW_PYTHON = [
    "@pytest.mark.skipif(os.name == 'nt', reason='')|def test_new():|    assert True",
    "@pytest.mark.parametrize(|    'x',|    [pytest.param(1, marks=pytest.mark.xfail)],|)|def test_new(x):|    pass",
    "def test_new():|    pandas = pytest.importorskip('pandas')|    assert pandas",
    "def test_new():|    if os.name == 'nt':|        pytest.skip('posix')",
    "@unittest.skipUnless(HAS_Y, '')|class TestNew:|    def test_new(self): ...",
    "class TestNew:|    @pytest.mark.xfail|    @other|    def test_new(self): ...",
    "needs_y = pytest.mark.skipif(not HAS_Y, reason='')",
]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        *(("tests/test_a.py", text) for text in NEW_PYTHON),
        ("a.test.js", "  it.skip('new', () => {|    run()|  })"),
        ("a.test.js", "  test.todo('new');"),
        ("a_test.go", 'func TestNew(t *testing.T) {|\tt.Skip("later")|}'),
        ("tests/it.rs", "#[test]|#[ignore]|fn new() {|}"),
        ("src/test/java/ATest.java", "    @Test|    @Disabled|    public void fresh() {|    }"),
        ("spec/a_spec.rb", "  it 'is new' do|    skip 'later'|  end"),
    ],
)
def test_a_patch_may_skip_a_test_that_it_adds_and_people_are_told(path: str, text: str) -> None:
    lines = text.replace("|", "\n")
    assert gates(candidate(path, added=lines)) == []
    assert skips_its_own_tests(candidate(path, added=lines)) == (path,)
    assert skips_its_own_tests(candidate(path, added="x = 1")) == ()


@pytest.mark.parametrize(
    ("path", "text", "removed"),
    [
        ("tests/test_a.py", "@pytest.mark.skip", ""),  # on the test that follows in the file
        ("tests/test_a.py", "def helper():|    pytest.skip('no')", ""),
        ("tests/test_a.py", "pytestmark = pytest.mark.skip|def test_new():|    assert True", ""),
        ("tests/test_a.py", "def test_new():|    assert True||@pytest.mark.skip", ""),
        ("tests/conftest.py", "def pytest_runtest_setup():|    pytest.skip('all')", ""),
        ("a.test.js", "  it.skip('adds', () => {", "  it('adds', () => {"),
        ("a.test.js", "  it.skip('adds', () => {|    run()|  })", "  it('adds', () => {"),
        ("a.test.js", "  it.skip('cloak', () => {", ""),
        ("a.test.js", "  describe.skip('new', () => {|    it('x', run)|  })", ""),
        ("a_test.go", '\tt.Skip("later")', ""),
    ],
)
def test_a_patch_may_not_skip_what_was_there(path: str, text: str, removed: str) -> None:
    lines = text.replace("|", "\n")
    assert gates(candidate(path, added=lines, removed=removed)) == [Gate.TESTS_SKIPPED]


def test_a_new_file_that_the_runner_loads_first_skips_the_tests_of_others() -> None:
    text = "def pytest_runtest_setup():\n    pytest.skip('all')"
    assert gates(candidate("tests/conftest.py", added=text, kind=ChangeKind.ADDED)) == [Gate.TESTS_SKIPPED]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("tests/test_a.py", "clf.fit(X, y)"),
        ("tests/test_a.py", 'run(["--ignore", "x"])'),
        ("tests/test_a.py", 'is_fits("write", "test.fit", None)'),
        ("src/test/java/ATest.java", 'scaler.fit("a");'),
        ("a.test.js", 'model.fit("a")'),
        ("spec/a_spec.rb", "fit(2)"),
        ("a.test.js", "@Disabled"),
        ("a_test.go", "raise SkipTest"),
    ],
)
def test_the_customs_of_other_languages_say_nothing(path: str, line: str) -> None:
    assert gates(candidate(path, added=line)) == []
    assert gates(candidate(path, added=line, kind=ChangeKind.ADDED)) == []


@given(st.sampled_from(["tests/test_a.py", "a.test.js", "tests/it.rs", "conftest.py"]), st.text())
def test_any_text_is_looked_through(path: str, text: str) -> None:
    assert set(gates(candidate(path, added=text))) <= set(Gate)
    skips_its_own_tests(candidate(path, added=text))


def test_a_thousand_markers_take_no_more_than_their_lines() -> None:
    lines = ["def f():", *("    pytest.skip()" for _ in range(20_000))]
    before = time.process_time()
    assert len(silenced("tests/test_a.py", [lines], is_new=False)) == 20_000
    assert time.process_time() - before < 20


def test_a_new_file_may_skip_its_own_tests_only() -> None:
    own = "@pytest.mark.skipif(sys.platform == 'win32', reason='')"
    assert gates(candidate("tests/test_new.py", added=own, kind=ChangeKind.ADDED)) == []
    assert gates(candidate("new.test.js", added="it.only('x')", kind=ChangeKind.ADDED)) == [Gate.TESTS_SKIPPED]


@pytest.mark.parametrize(
    ("path", "test", "support"),
    [
        ("tests/test_app.py", True, False),
        ("test_app.py", True, False),
        ("pkg/app_test.py", True, False),
        ("shop/tests.py", True, False),
        ("tests/helpers.py", False, True),
        ("tests/conftest.py", False, True),
        ("conftest.py", False, True),
        ("pytest.ini", False, True),
        ("tox.ini", False, True),
        ("tests/data/bad.csv", False, True),
        ("tests/__init__.py", False, True),
        ("tests/fixtures/test_case.py", False, True),
        ("src/app.test.tsx", True, False),
        ("src/app.spec.mjs", True, False),
        ("src/__tests__/app.js", True, False),
        ("test/app.js", True, False),
        ("test/fixtures/app.js", False, True),
        ("src/__mocks__/fs.js", False, True),
        ("jest.config.js", False, True),
        ("pkg/app_test.go", True, False),
        ("pkg/testdata/in_test.go", False, True),
        ("tests/it.rs", True, False),
        ("tests/common/mod.rs", False, True),
        ("src/parser/tests.rs", True, False),
        ("src/test/java/x/AppTest.java", True, False),
        ("src/test/java/x/Fixture.java", False, True),
        ("src/test/resources/a.json", False, True),
        ("src/main/java/x/Contest.java", False, False),
        ("spec/app_spec.rb", True, False),
        ("spec/spec_helper.rb", False, True),
        ("test/app_test.rb", True, False),
        ("src/app.py", False, False),
        ("src/testing_tools.py", False, False),
        ("src/latest.py", False, False),
        ("pyproject.toml", False, False),
    ],
)
def test_what_is_a_test(path: str, test: bool, support: bool) -> None:
    assert (is_test_file(path), is_test_support(path)) == (test, support)


@pytest.mark.parametrize(
    "line", ["eyJ" * 100, "sk-ant-" * 50, "pytest." * 60, " " * 300 + "def", "public " * 50, "[" * 300]
)
def test_time_is_linear(line: str) -> None:
    """Ten times the text may take some more than ten times as long; a hundred times would be quadratic."""

    def seconds(lines: int) -> float:
        bad = candidate("tests/test_a.py", added="\n".join([line] * lines))
        start = time.process_time()
        check_gates(bad, GatePolicy(max_patch_bytes=10**9, max_lines=10**9))
        return time.process_time() - start

    small = max(min(seconds(200) for _ in range(3)), 0.0005)
    assert seconds(2000) < 50 * small


@pytest.mark.parametrize("odd", ["\ud800", "@@ -" + "9" * 5_000 + " +" + "9" * 5_000 + " @@", "\0", "\U0010ffff"])
def test_a_patch_that_is_no_text_is_judged_like_any_other(odd: str) -> None:
    """What is stored was encoded once; nobody relies on it."""
    assert gates(candidate(added=odd)) == []
    assert gates(replace(candidate(added=TOKEN), patch=f"{odd}\n{candidate(added=TOKEN).patch}")) == [Gate.SECRET]


LINK = FileChange("lib", ChangeKind.MODIFIED, "120000", "100644", SHA, 9, 1, 1)
GONE = FileChange("lib", ChangeKind.DELETED, "120000", "000000", None, 0, 0, 1)


@pytest.mark.parametrize(
    ("changes", "is_out"),
    [
        ((LINK,), True),
        ((GONE, change("lib/a.py", ChangeKind.ADDED)), True),
        ((GONE,), False),
        ((GONE, change("library.py", ChangeKind.ADDED)), False),
    ],
)
def test_a_symlink_that_was_copied_over_is_refused(changes: tuple[FileChange, ...], is_out: bool) -> None:
    failures = check_gates(Candidate(RunId("r"), "", changes), GatePolicy())
    assert (Gate.SYMLINK in [failure.gate for failure in failures]) is is_out


# -------------------------------------------------------------------------------------- at the edges, one by one


@pytest.mark.parametrize(
    ("old", "new", "kind", "expected"),
    [
        ("120000", "100644", ChangeKind.MODIFIED, [Gate.SYMLINK]),
        ("100644", "120000", ChangeKind.MODIFIED, [Gate.SYMLINK]),
        ("120000", "000000", ChangeKind.DELETED, []),
        ("160000", "000000", ChangeKind.DELETED, [Gate.SUBMODULE]),
    ],
)
def test_a_link_may_only_go_and_a_submodule_not_even_that(
    old: str, new: str, kind: ChangeKind, expected: list[Gate]
) -> None:
    link = FileChange("link", kind, old, new, SHA, 9, 0, 0)
    assert gates(Candidate(RunId("r"), "", (link,))) == expected


def test_the_largest_patch_that_is_allowed() -> None:
    overhead = len(candidate(added="").patch) + len("+\n")
    largest = candidate(added="x" * (400_000 - overhead))
    assert len(largest.patch) == 400_000
    assert gates(largest) == []
    assert gates(candidate(added="x" * (400_001 - overhead))) == [Gate.TOO_LARGE]
    assert gates(Candidate(RunId("r"), "", (change("a", lines=2_000),))) == []
    assert gates(Candidate(RunId("r"), "", (change("a", lines=2_001),))) == [Gate.TOO_LARGE]


def test_every_file_with_a_secret_is_named() -> None:
    found = check_gates(both(candidate("a.py", added=TOKEN), candidate("b.py", added=JWT)), POLICY)
    assert found == (GateFailure(Gate.SECRET, "a GitHub token in a.py, a JSON Web Token in b.py"),)


def test_three_paths_are_named_without_a_count_of_none() -> None:
    changes = tuple(change(f".github/{n}") for n in range(3))
    assert check_gates(Candidate(RunId("r"), "", changes), POLICY) == (
        GateFailure(Gate.PROTECTED_PATH, ".github/0, .github/1, .github/2"),
    )


def test_of_the_tests_that_are_gone_three_are_named_behind_whatever_else_changed() -> None:
    source = candidate("app.py", removed="x = 1")
    tests = candidate("tests/test_a.py", added="", removed="\n".join(f"def test_{name}():" for name in "dcba"))
    assert check_gates(both(source, tests), POLICY) == (
        GateFailure(Gate.TESTS_DELETED, "tests/test_a.py (test_a, test_b, test_c)"),
    )


def test_in_a_new_test_file_every_skip_is_of_its_own_tests() -> None:
    new = candidate("tests/test_a.py", added="pytestmark = pytest.mark.skip", kind=ChangeKind.ADDED)
    assert gates(new) == []
    assert skips_its_own_tests(new) == ("tests/test_a.py",)
    old = candidate("tests/test_a.py", added="pytestmark = pytest.mark.skip")
    assert gates(old) == [Gate.TESTS_SKIPPED]
    assert skips_its_own_tests(old) == ()
    assert skips_its_own_tests(both(old, candidate("tests/test_b.py", kind=ChangeKind.ADDED))) == ()
