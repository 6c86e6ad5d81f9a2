"""Command lines: a script into its commands, the command that another one starts, and what kind each of them is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence, Set

from bot.core.environment.programs import Kind as Kind
from bot.core.environment.programs import kind_of_program, known

MAX_SCRIPT = 10_000  # characters
MAX_PARTS = 100
_MAX_LINE = 2_000
_MAX_ARGUMENTS = 400  # characters that are matched against
_MAX_WRAPPERS = 8

_SHELL_SYNTAX = re.compile(r"[;&|<>()$`*?\[\]{}~\\\n#!]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def plain_words(line: str) -> list[str] | None:
    """The words of one plain command: no pipe, no substitution, no redirection. None for anything else."""
    if _SHELL_SYNTAX.search(line):
        return None
    try:
        return shlex.split(line)
    except ValueError:  # an open quote
        return None


_QUOTED = re.compile(r"""'[^']*'|"(?:[^"\\$`]|\\.)*"|\\[^\n]""")
_SEVERAL = re.compile(r"[;&|<>()$`\n]|(?:^|\s)#")


def single_words(line: str) -> list[str] | None:
    """The words of one command, which may have quotes and patterns in it, but no substitution or redirection."""
    if len(line) > _MAX_LINE or _SEVERAL.search(_QUOTED.sub("x", line)):
        return None
    try:
        return shlex.split(line)
    except ValueError:
        return None


def without_assignments(words: Sequence[str]) -> list[str]:
    """`CI=1 pytest -q` -> `pytest -q`."""
    rest = list(words)
    while rest and _ASSIGNMENT.match(rest[0]):
        rest.pop(0)
    return rest


# What stands between two commands, and what keeps them together.
_TOKEN = re.compile(
    r"""(?P<quoted>'[^']*'|"(?:\\.|[^"\\])*")
    |(?P<joined>\\\n[ \t]*)
    |(?P<escaped>\\.)
    |(?P<comment>(?:(?<=\s)|^)\#[^\n]*)
    |(?P<heredoc><<-?[ ]?(?P<q>['"]?)(?P<tag>[A-Za-z_]\w*)(?P=q))
    |(?P<opens>\$?\(|\$?\{)
    |(?P<closes>[)}])
    |(?P<ends>\n|&&|;)
    |(?P<begins>\|\|?|&|!(?=\s))
    |(?P<word>[\w./-]+)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_BLOCKS = {"if": "fi", "for": "done", "while": "done", "until": "done", "case": "esac"}
_BEFORE_COMMANDS = frozenset({"then", "do", "else", "elif", "if", "while", "until"})


def parts(script: str) -> list[str]:
    """The top-level commands of a shell text: it is parted at line ends, `&&` and `;`, outside of quotes.

    Pipes, `||`, blocks, substitutions and here-documents stay whole. Comments are dropped, continued lines joined.
    """
    return [part for text in _Splitter(script[:MAX_SCRIPT]).split() if (part := text.strip())][:MAX_PARTS]


class _Splitter:
    def __init__(self, script: str) -> None:
        self._script = script
        self._depth = 0  # of parentheses and braces
        self._blocks: list[str] = []  # the words that end them
        self._head = True  # a command may begin here

    def split(self) -> Iterator[str]:
        text: list[str] = []
        position = 0
        while token := _TOKEN.match(self._script, position):
            position = token.end()
            value = token[0]
            if token["heredoc"]:
                position = self._after_heredoc(position, token["tag"])
                value = self._script[token.start() : position]
            elif token["joined"] or token["comment"]:
                value = " "
            self._follow(token)
            if token["ends"] and not self._depth and not self._blocks:
                yield "".join(text)
                text.clear()
            else:
                text.append(value)
        yield "".join(text)

    def _follow(self, token: re.Match[str]) -> None:
        word = token["word"]
        self._depth = max(0, self._depth + bool(token["opens"]) - bool(token["closes"]))
        if word and self._head and self._blocks and word == self._blocks[-1]:
            self._blocks.pop()
        elif word and self._head and word in _BLOCKS:
            self._blocks.append(_BLOCKS[word])
        if token["ends"] or token["begins"] or token["opens"] or token["closes"] or word in _BEFORE_COMMANDS:
            self._head = True
        elif not token[0].isspace():
            self._head = False

    def _after_heredoc(self, start: int, tag: str) -> int:
        """Where its body ends; without an end, the rest is its body."""
        end = re.compile(rf"^[ \t]*{tag}[ \t]*$", re.MULTILINE).search(self._script, start)
        return end.end() if end else len(self._script)


# What only starts another command -> its options that are followed by a value.
_WRAPPERS: Mapping[str, frozenset[str]] = {
    program: frozenset(options.split())
    for programs, options in (
        (
            "time command exec env cross-env cross-env-shell dotenv dotenvx unbuffer catchsegv stdbuf dbus-run-session",
            "-u",
        ),
        ("nice ionice", "-n -c"),
        ("timeout gtimeout", "-s -k --signal --kill-after"),
        ("xvfb-run", "-s -n -e -f -p --server-args --server-num"),
        ("c8 nyc", "-r --reporter -x --exclude -n --include -o --reports-dir --temp-dir --report-dir -c --config"),
        ("npx bunx pnpx", "-p --package"),
        ("npm_exec pnpm_exec pnpm_dlx yarn_exec yarn_dlx bun_x", "-p --package -C --dir --filter"),
        (
            "uv_run",
            "--group --only-group --extra --with --no-group --python -p --package --env-file --directory --from",
        ),
        ("uvx pipx_run uv_tool_run", "--from --with --python -p --spec"),
        ("poetry_run pdm_run pipenv_run rye_run", "-p -C --project --directory"),
        ("conda_run mamba_run micromamba_run", "-n --name -p --prefix"),
        ("bundle_exec", "--gemfile"),
        ("coverage_run", "--source --rcfile --omit --include --data-file --context --concurrency"),
        ("bash sh zsh", "-o"),
    )
    for program in programs.split()
}
_NODE_TOOLS = frozenset({"yarn", "pnpm", "bun"})
_PYTHON = re.compile(r"(python|pypy)[\d.]*")


def unwrapped(words: Sequence[str]) -> list[str]:
    """What a command starts in the end: `npx cross-env CI=1 c8 mocha -b` -> `mocha -b`; of itself, the same.

    For knowing what it is. What is run are the words as they were.
    """
    rest = without_assignments(words)
    for _ in range(_MAX_WRAPPERS):
        inner = _inner(rest)
        if not inner:
            break
        rest = inner
    return [program(rest[0]), *rest[1:]] if rest else []


def program(word: str) -> str:
    """`./node_modules/.bin/jest` -> `jest`; a script of the repository keeps its path."""
    name = word.rpartition("/")[2]
    if _PYTHON.fullmatch(name):
        return "python"
    return name if "/bin/" in word or "/.bin/" in word or known(name) else word


def _inner(words: Sequence[str]) -> list[str]:
    """One wrapper less; empty where there is none."""
    if not words:
        return []
    name = program(words[0])
    two = f"{name}_{words[1]}" if len(words) > 1 else ""
    if name == "python":
        return _module(words[1:])
    if name in _NODE_TOOLS and two not in _WRAPPERS:
        rest = _after_options(words[1:], frozenset({"--cwd", "-C", "--dir", "--filter", "-F"}))
        return rest if rest and known(rest[0]) and rest[0] not in ("version", "git") else []
    if two in _WRAPPERS:
        return _command(words[2:], two)
    return _command(words[1:], name) if name in _WRAPPERS else []


def _command(words: Sequence[str], wrapper: str) -> list[str]:
    if wrapper == "coverage_run":
        rest = _after_options(words, _WRAPPERS[wrapper], until="-m")
        return rest[1:] if rest[:1] == ["-m"] else ["python", *rest] if rest else []
    if wrapper in ("bash", "sh", "zsh") and "-c" in words[:3]:
        return []
    rest = without_assignments(_after_options(words, _WRAPPERS[wrapper]))
    if wrapper in ("timeout", "gtimeout"):
        rest = rest[1:]
    if wrapper in ("npx", "bunx", "pnpx", "uvx", "pipx_run") and rest:
        rest[0] = re.sub(r"(?<=.)@[^/]*$", "", rest[0])  # npx jest@29
    return rest


def _module(words: Sequence[str]) -> list[str]:
    """Of `python -W error -m pytest -q`: `pytest -q`."""
    rest = _after_options(words, frozenset({"-W", "-X"}), until="-m")
    if rest[:2] == ["-m", "build"]:
        return ["pyproject-build", *rest[2:]]
    return rest[1:] if rest[:1] == ["-m"] else []


def _after_options(words: Sequence[str], with_value: Set[str], until: str = "") -> list[str]:
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != until:
        option = rest.pop(0)
        if option == "--":
            break
        if option in with_value and rest:
            rest.pop(0)
    return rest


_LEADING = frozenset(
    {"--prefix", "--cwd", "-C", "--filter", "-F", "--workspace", "--dir", "--directory", "--project", "-f"}
)
_GITHUB_FILES = re.compile(r"GITHUB_(ENV|PATH|OUTPUT|STEP_SUMMARY|TOKEN)\b|::set-(output|env)\b")
_KEYWORDS = frozenset({*_BLOCKS, *_BLOCKS.values(), *_BEFORE_COMMANDS, "!", "{", "}", "$"})
_WORST_FIRST = (Kind.UNFIT, Kind.TEST, Kind.SETUP, Kind.CHECK)


def kind(line: str) -> Kind:
    """Of a line with several commands: unfit where one is, else a test where one is, else set-up, else a check."""
    if _GITHUB_FILES.search(line):
        return Kind.UNFIT
    kinds = {kind_of(command) for command in _commands(line)}
    return next((kind for kind in _WORST_FIRST if kind in kinds), Kind.OTHER)


def kind_of(words: Sequence[str]) -> Kind:
    """Of one command."""
    rest = unwrapped(words)
    if not rest:
        return Kind.OTHER
    subject = _after_options(rest[1:], _LEADING)
    if rest[0] == "cargo" and subject and subject[0].startswith("+"):
        subject = subject[1:]
    if rest[0] == "python":
        return _kind_of_script(" ".join(subject[:2]))
    if not known(rest[0]):
        return _kind_of_script(" ".join(rest[:2])) if "/" in rest[0] or rest[0].endswith((".sh", ".py")) else Kind.OTHER
    return kind_of_program(rest[0], " ".join(subject)[:_MAX_ARGUMENTS], " ".join(rest[1:])[:_MAX_ARGUMENTS])


_SCRIPTS = (
    (re.compile(r"setup\.py test|(.*/)?manage\.py test.*"), Kind.TEST),
    (re.compile(r"setup\.py (develop|build|build_ext|build_py|install|egg_info)"), Kind.SETUP),
    (re.compile(r"setup\.py (check|flake8)"), Kind.CHECK),
    (re.compile(r"setup\.py"), Kind.UNFIT),
    (re.compile(r"(.*[/_.-])?(publish|release|deploy|upload|docs?|bench\w*|e2e)\b.*"), Kind.UNFIT),
    (re.compile(r"(.*[/_.-])?(run_?)?(unit)?tests?([/_.-].*)?( .*)?"), Kind.TEST),
    (re.compile(r"(.*[/_.-])?(lint|check|format|style|mypy|typecheck)\b.*"), Kind.CHECK),
    (re.compile(r"(.*[/_.-])?(install|setup|bootstrap|build|prepare|deps|before)\b.*"), Kind.SETUP),
)


def _kind_of_script(name: str) -> Kind:
    """A script of the repository's own, by its name."""
    return next((kind for pattern, kind in _SCRIPTS if pattern.fullmatch(name[:200])), Kind.OTHER)


def _commands(line: str) -> list[list[str]]:
    """The words of each command in a line of shell, without redirections; none where it cannot be read."""
    if len(line) > _MAX_LINE:
        return []
    reader = shlex.shlex(line, posix=True, punctuation_chars="();<>|&\n")
    reader.whitespace = " \t\r"
    reader.commenters = ""
    reader.whitespace_split = True
    found: list[list[str]] = [[]]
    redirected = False
    try:
        for token in reader:
            if token and not token.strip("();<>|&\n"):
                redirected = token[0] in "<>"
                if not redirected:
                    found.append([])
            elif redirected:
                redirected = False
            elif found[-1] or token not in _KEYWORDS:
                found[-1].append(token)
    except ValueError:  # an open quote
        return []
    return [words for words in found if words]
