"""`.github/solvebot.yml` into a `RepoConfig`, or into every mistake in it with line and remedy.

The file is closed: an unknown key is a mistake, because a misspelt limit that is silently ignored costs money. It is
read from the default branch only, but still by anyone who can get a change merged there, so it is data: nothing in it
is constructed, and anchors, aliases and deep nesting, which make small files large, are refused before composing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.core.choosing.rounds import MOST_ROUNDS
from bot.core.globs import parse_globs
from bot.core.model import MAX_ATTEMPTS, Draft, Permission, Publish, PullRequestConfig, RepoConfig, Strategy, Update
from bot.core.text.characters import encodable, holds_half_a_character
from bot.core.trigger.checks import MOST_REPAIRS
from bot.core.trigger.options import MAX_DOLLARS, MAX_MINUTES, MAX_REPRO, is_branch_name, nearest, shown

CONFIG_PATHS = (".github/solvebot.yml", ".github/solvebot.yaml")  # the first that is there counts
MAX_SIZE = 65_536  # bytes
MAX_DEPTH = 8
MAX_VALUES = 1_000  # keys and values together; reading them takes some 30 ms, for each event of the repository
MAX_ITEMS = 100
MAX_COMMAND = MAX_REPRO
MAX_PROBLEMS = 20
MAX_STEPS = 1_000
MAX_A_DAY = 1_000
MAX_COMMAND_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Mistake:
    """`reason` says in sentences what is wrong and what to do. Line and column count from 1."""

    line: int
    column: int
    reason: str


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """Every mistake, in the order of the file at `path`."""

    mistakes: tuple[Mistake, ...]
    path: str = CONFIG_PATHS[0]


def parse_config(text: str) -> RepoConfig | ConfigProblem:
    """An empty file, and a key without a value, mean the defaults."""
    if len(text.encode("utf-8", "replace")) > MAX_SIZE:
        return _one(1, 1, "The file is larger than 64 kB. It needs a few lines only.")
    try:
        refused = _bomb(text)
        root = None if refused else yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        return _one(line, column, "There is a control character here. Remove it.")
    except yaml.MarkedYAMLError as error:
        return _unreadable(error)
    except (ValueError, OverflowError):  # an escape or a number that PyYAML passes on to Python as it is
        return _one(_line_of_escape(text), 1, "There is a character or a number here that does not exist. Remove it.")
    if refused:
        return ConfigProblem((refused,))
    checker = _Checker()
    config = RepoConfig() if root is None or _is_null(root) else _repo_config(checker, root)
    if checker.mistakes:
        return ConfigProblem(tuple(sorted(checker.mistakes, key=lambda m: (m.line, m.column))[:MAX_PROBLEMS]))
    return config


def _one(line: int, column: int, reason: str) -> ConfigProblem:
    return ConfigProblem((Mistake(line, column, reason),))


def _line_of_escape(text: str) -> int:
    found = re.search(r"\\U(?!000[0-9A-Fa-f]|0010)", text)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _bomb(text: str) -> Mistake | None:
    """What must not be composed. The parser, unlike the composer, does not recurse."""
    depth = documents = values = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        mark = event.start_mark
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if documents > 1:
            return _at(mark, "A second document starts here. Remove the `---` line and what follows it.")
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            return _at(mark, "Anchors and aliases (`&` and `*`) are not allowed. Write the value out.")
        values += isinstance(event, yaml.NodeEvent)
        if values > MAX_VALUES:
            return _at(mark, f"This file has more than {MAX_VALUES} keys and values. It needs a few lines only.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            return _at(mark, "This is nested too deeply. No value here needs more than two levels.")
    return None


_YAML_REMEDIES = {
    "'\\t'": "There is a tab here. YAML is indented with spaces.",
    "mapping values are not allowed": "This `:` is not expected here. Put a value that contains one in quotes.",
    "end of stream": "A quote or bracket that is opened here is never closed. Close it.",
    "could not find expected ':'": "A key without its `:` ends here. Write `key: value`.",
    "cannot start any token": "A value cannot start with this character. Put it in quotes.",
}


def _unreadable(error: yaml.MarkedYAMLError) -> ConfigProblem:
    problem = error.problem or ""
    mark = error.problem_mark
    if "end of stream" in problem:
        mark = error.context_mark or mark
    known = (reason for sign, reason in _YAML_REMEDIES.items() if sign in problem)
    reason = next(known, "This is not valid YAML. Check indentation, quotes and brackets here and in the line above.")
    return ConfigProblem((_at(mark, reason),))


def _at(mark: Any, reason: str) -> Mistake:
    """`mark`: PyYAML's, whose type differs between its two parsers; None is the start of the file."""
    return Mistake(mark.line + 1, mark.column + 1, reason) if mark else Mistake(1, 1, reason)


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


class _Checker:
    """Reads nodes as what they should be, and collects what they are not. A mistake reads as None."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def wrong(self, node: Node, reason: str) -> None:
        self.mistakes.append(_at(node.start_mark, encodable(reason)))

    def section(self, node: Node, fields: Mapping[str, _Field], where: str) -> dict[str, Any]:
        """The values of a mapping, by the name of the field they are for."""
        if not isinstance(node, MappingNode):
            self.wrong(
                node, f"{where[0].upper()}{where[1:]} must be lines of `key: value`. The keys are {_listed(fields)}."
            )
            return {}
        values: dict[str, Any] = {}
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else ""
            if name not in fields:
                self.wrong(key, f"{_quoted(name)} is not a key of {where}. {_nearest(name, fields)}")
            elif name in seen:
                self.wrong(key, f"`{name}` is there twice. Remove one of them.")
            elif not _is_null(value) and (read := fields[name].read(self, value, name)) is not None:
                values[fields[name].name] = read
            seen.add(name)
        return values

    def text(self, node: Node, name: str) -> str | None:
        if not isinstance(node, ScalarNode) or not node.tag.endswith(":str"):
            hint = " Put it in quotes." if isinstance(node, ScalarNode) else ""
            self.wrong(node, f"`{name}` must be text.{hint}")
            return None
        if not node.value.strip():
            self.wrong(node, f"`{name}` is empty. Give it a value, or remove the line.")
            return None
        if len(node.value) > MAX_COMMAND:
            self.wrong(node, f"`{name}` is longer than {MAX_COMMAND} characters. Put it into a script.")
            return None
        if holds_half_a_character(node.value) or "\0" in node.value:
            self.wrong(node, f"`{name}` holds half a character, or none. Write the character itself, not an escape.")
            return None
        return encodable(node.value).strip()

    def texts(self, node: Node, name: str, of: Callable[[_Checker, Node, str], Any]) -> tuple[Any, ...] | None:
        """A list, or a single value as a list of one."""
        if isinstance(node, MappingNode):
            self.wrong(node, f"`{name}` must be a list: `[a, b]`.")
            return None
        items = node.value if isinstance(node, SequenceNode) else [node]
        if len(items) > MAX_ITEMS:
            self.wrong(node, f"`{name}` has {len(items)} items. Use at most {MAX_ITEMS}.")
            return None
        return tuple(dict.fromkeys(value for item in items if (value := of(self, item, name)) is not None))

    def number(self, node: Node, name: str, most: float) -> float | None:
        text = node.value if isinstance(node, ScalarNode) else ""
        if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", str(text)) and 0 < float(text) <= most:
            return float(text)
        self.wrong(node, f"`{name}` must be a number, more than 0 and at most {most:g}.")
        return None

    def share(self, node: Node, name: str) -> float | None:
        text = node.value if isinstance(node, ScalarNode) else ""
        if re.fullmatch(r"[0-9](\.[0-9]{1,6})?", str(text)) and float(text) <= 1:
            return float(text)
        self.wrong(node, f"`{name}` must be a number from 0 to 1, for example 0.35.")
        return None

    def whole(self, node: Node, name: str, most: int) -> int | None:
        text = node.value if isinstance(node, ScalarNode) else ""
        if re.fullmatch(r"[0-9]{1,6}", str(text)) and 1 <= int(text) <= most:
            return int(text)
        self.wrong(node, f"`{name}` must be a whole number from 1 to {most}.")
        return None

    def choice(self, node: Node, name: str, values: Sequence[str]) -> str | None:
        text = str(node.value) if isinstance(node, ScalarNode) else ""
        if text.lower() in values:
            return text.lower()
        wrong = f"cannot be {shown(text)}" if text.strip() else "must be a single word"
        self.wrong(node, f"`{name}` {wrong}. {_nearest(text, values)}")
        return None


@dataclass(frozen=True, slots=True)
class _Field:
    """`name` is the field of the record. `read` gets the checker, the node and the key."""

    name: str
    read: Callable[[_Checker, Node, str], Any]


def _quoted(text: str) -> str:
    return shown(text) if text.strip() else "This"


def _listed(values: Mapping[str, Any] | Sequence[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _nearest(word: str, values: Mapping[str, Any] | Sequence[str]) -> str:
    return f"{nearest(word, list(values))}Allowed: {_listed(values)}."


def _text(checker: _Checker, node: Node, name: str) -> str | None:
    return checker.text(node, name)


def _texts(checker: _Checker, node: Node, name: str) -> tuple[str, ...] | None:
    return checker.texts(node, name, _text)


def _label(checker: _Checker, node: Node, name: str) -> str | None:
    text = checker.text(node, name)
    if text is not None and (len(text) > 50 or "," in text):
        checker.wrong(node, f"{_quoted(text)} is not a label. GitHub's labels have at most 50 characters and no comma.")
        return None
    return text


def _labels(checker: _Checker, node: Node, name: str) -> tuple[str, ...] | None:
    return checker.texts(node, name, _label)


def _reviewer(checker: _Checker, node: Node, name: str) -> str | None:
    text = checker.text(node, name)
    if text is None or re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}(/[A-Za-z0-9._-]{1,100})?", text):
        return text
    checker.wrong(node, f"{_quoted(text)} is nobody. Name a login, `organisation/team`, or `requester`.")
    return None


def _reviewers(checker: _Checker, node: Node, name: str) -> tuple[str, ...] | None:
    return checker.texts(node, name, _reviewer)


_MATCHES_NOTHING = "(?!)"  # in the regex of a glob; what people write is escaped there


def _pattern(checker: _Checker, node: Node, name: str) -> str | None:
    text = checker.text(node, name)
    if text is None:
        return None
    globs = parse_globs(text)
    if len(text) <= 200 and len(globs) == 1 and not globs[0].negated:
        if _MATCHES_NOTHING not in globs[0].regex.pattern:
            return text
        reason = "a bracket in it is never closed, or a backslash is its last character"
        checker.wrong(node, f"{_quoted(text)} matches no path: {reason}. Put a backslash before a bracket that is one.")
        return None
    checker.wrong(node, f"{_quoted(text)} is not a path pattern. Write it as in .gitignore: `migrations/**`.")
    return None


def _patterns(checker: _Checker, node: Node, name: str) -> tuple[str, ...] | None:
    return checker.texts(node, name, _pattern)


def _strategy(checker: _Checker, node: Node, name: str) -> Strategy | None:
    text = checker.choice(node, name, [strategy.value for strategy in Strategy])
    return Strategy(text) if text else None


def _strategies(checker: _Checker, node: Node, name: str) -> tuple[Strategy, ...] | None:
    return checker.texts(node, name, _strategy)


def _permission(checker: _Checker, node: Node, name: str) -> Permission | None:
    text = checker.choice(
        node, name, [permission.value for permission in Permission if permission is not Permission.NONE]
    )
    return Permission(text) if text else None


_DRAFTS = {"auto": Draft.AUTO, "true": Draft.ALWAYS, "false": Draft.NEVER}


def _draft(checker: _Checker, node: Node, name: str) -> Draft | None:
    text = checker.choice(node, name, list(_DRAFTS))
    return _DRAFTS[text] if text else None


def _unproven(checker: _Checker, node: Node, name: str) -> bool | None:
    text = checker.choice(node, name, ["draft", "none"])
    return None if text is None else text == "draft"


def _publish(checker: _Checker, node: Node, name: str) -> Publish | None:
    text = checker.choice(node, name, [when.value for when in Publish])
    return Publish(text) if text else None


def _update(checker: _Checker, node: Node, name: str) -> Update | None:
    text = checker.choice(node, name, [when.value for when in Update])
    return Update(text) if text else None


def _truth(checker: _Checker, node: Node, name: str) -> bool | None:
    text = checker.choice(node, name, ["true", "false"])
    return None if text is None else text == "true"


def _branch(checker: _Checker, node: Node, name: str) -> str | None:
    text = checker.text(node, name)
    if text is None:
        return None
    places = re.findall(r"\{[^{}]*\}?|\}", text)
    if "{issue}" not in places or not set(places) <= {"{issue}", "{slug}"}:
        checker.wrong(
            node, f"`{name}` must contain `{{issue}}`, and may contain `{{slug}}`, and nothing else in braces."
        )
        return None
    if not is_branch_name(text.replace("{issue}", "1").replace("{slug}", "a")):
        checker.wrong(node, f"{_quoted(text)} does not make a branch name. Use it as in `solvebot/{{issue}}-{{slug}}`.")
        return None
    return text


def _whole(most: int) -> Callable[[_Checker, Node, str], int | None]:
    return lambda checker, node, name: checker.whole(node, name, most)


def _number(most: float) -> Callable[[_Checker, Node, str], float | None]:
    return lambda checker, node, name: checker.number(node, name, most)


def _share(checker: _Checker, node: Node, name: str) -> float | None:
    return checker.share(node, name)


_LIMITS = {
    "parallel": _Field("parallel", _whole(MAX_ATTEMPTS)),
    "minutes": _Field("minutes", _number(MAX_MINUTES)),
    "dollars": _Field("dollars", _number(MAX_DOLLARS)),
    "steps": _Field("steps", _whole(MAX_STEPS)),
    "day": _Field("day", _whole(MAX_A_DAY)),
    "command": _Field("command", _number(MAX_COMMAND_SECONDS)),
}
_PULL_REQUEST = {
    "draft": _Field("draft", _draft),
    "labels": _Field("labels", _labels),
    "reviewers": _Field("reviewers", _reviewers),
    "branch": _Field("branch", _branch),
    "unproven": _Field("unproven", _unproven),
    "signoff": _Field("signoff", _truth),
    "resolve": _Field("resolve", _truth),
}


def _limits(checker: _Checker, node: Node, name: str) -> dict[str, Any]:
    return checker.section(node, _LIMITS, f"`{name}`")


def _repairs(checker: _Checker, node: Node, name: str) -> int | None:
    text = node.value if isinstance(node, ScalarNode) else ""
    if re.fullmatch(r"[0-9]", str(text)) and int(text) <= MOST_REPAIRS:
        return int(text)
    checker.wrong(node, f"`{name}` must be a whole number from 0 to {MOST_REPAIRS}.")
    return None


_CI = {"repair": _Field("repair", _repairs)}


def _ci(checker: _Checker, node: Node, name: str) -> dict[str, Any]:
    return checker.section(node, _CI, f"`{name}`")


def _pull_request(checker: _Checker, node: Node, name: str) -> PullRequestConfig:
    return PullRequestConfig(**checker.section(node, _PULL_REQUEST, f"`{name}`"))


_TOP = {
    "labels": _Field("labels", _labels),
    "who": _Field("who", _permission),
    "setup": _Field("setup", _texts),
    "test": _Field("test", _text),
    "repro": _Field("repro", _text),
    "models": _Field("models", _texts),
    "attempts": _Field("attempts", _whole(MAX_ATTEMPTS)),
    "strategies": _Field("strategies", _strategies),
    "limits": _Field("limits", _limits),
    "protect": _Field("protect", _patterns),
    "trust": _Field("trust", _share),
    "rounds": _Field("rounds", _whole(MOST_ROUNDS)),
    "pull_request": _Field("pull_request", _pull_request),
    "publish": _Field("publish", _publish),
    "ci": _Field("ci", _ci),
    "update": _Field("update", _update),
}


def _repo_config(checker: _Checker, root: Node) -> RepoConfig:
    values = checker.section(root, _TOP, "this file")
    return RepoConfig(**values.pop("limits", {}), **values.pop("ci", {}), **values)
