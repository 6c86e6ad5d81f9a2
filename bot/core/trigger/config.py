"""`.github/solvebot.yml` into a `RepoConfig`, or into every mistake in it with line and remedy.

The file is closed: an unknown key is a mistake, because a misspelt limit that is silently ignored costs money. It is
read from the default branch only, but still by anyone who can get a change merged there, so it is data: nothing in it
is constructed, and anchors, aliases and deep nesting, which make small files large, are refused before composing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import Node, ScalarNode

from bot.core.choosing.rounds import MOST_ROUNDS
from bot.core.globs import parse_globs
from bot.core.model import MAX_ATTEMPTS, Draft, Permission, Publish, PullRequestConfig, RepoConfig, Strategy, Update
from bot.core.trigger.checks import MOST_REPAIRS
from bot.core.trigger.config_values import Checker, Field, Mistake, at, is_null, quoted
from bot.core.trigger.options import MAX_DOLLARS, MAX_MINUTES, is_branch_name

CONFIG_PATHS = (".github/solvebot.yml", ".github/solvebot.yaml")  # the first that is there counts
MAX_SIZE = 65_536  # bytes
MAX_DEPTH = 8
MAX_VALUES = 1_000  # keys and values together; reading them takes some 30 ms, for each event of the repository
MAX_PROBLEMS = 20
MAX_STEPS = 1_000
MAX_A_DAY = 1_000
MAX_COMMAND_SECONDS = 3600.0


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
    checker = Checker()
    config = RepoConfig() if root is None or is_null(root) else _repo_config(checker, root)
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
            return at(mark, "A second document starts here. Remove the `---` line and what follows it.")
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            return at(mark, "Anchors and aliases (`&` and `*`) are not allowed. Write the value out.")
        values += isinstance(event, yaml.NodeEvent)
        if values > MAX_VALUES:
            return at(mark, f"This file has more than {MAX_VALUES} keys and values. It needs a few lines only.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            return at(mark, "This is nested too deeply. No value here needs more than two levels.")
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
    return ConfigProblem((at(mark, reason),))


def _text(checker: Checker, node: Node, name: str) -> str | None:
    return checker.text(node, name)


def _texts(checker: Checker, node: Node, name: str) -> tuple[str, ...] | None:
    return checker.texts(node, name, _text)


def _label(checker: Checker, node: Node, name: str) -> str | None:
    text = checker.text(node, name)
    if text is not None and (len(text) > 50 or "," in text):
        checker.wrong(node, f"{quoted(text)} is not a label. GitHub's labels have at most 50 characters and no comma.")
        return None
    return text


def _labels(checker: Checker, node: Node, name: str) -> tuple[str, ...] | None:
    return checker.texts(node, name, _label)


def _reviewer(checker: Checker, node: Node, name: str) -> str | None:
    text = checker.text(node, name)
    if text is None or re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}(/[A-Za-z0-9._-]{1,100})?", text):
        return text
    checker.wrong(node, f"{quoted(text)} is nobody. Name a login, `organisation/team`, or `requester`.")
    return None


def _reviewers(checker: Checker, node: Node, name: str) -> tuple[str, ...] | None:
    return checker.texts(node, name, _reviewer)


_MATCHES_NOTHING = "(?!)"  # in the regex of a glob; what people write is escaped there


def _pattern(checker: Checker, node: Node, name: str) -> str | None:
    text = checker.text(node, name)
    if text is None:
        return None
    globs = parse_globs(text)
    if len(text) <= 200 and len(globs) == 1 and not globs[0].negated:
        if _MATCHES_NOTHING not in globs[0].regex.pattern:
            return text
        reason = "a bracket in it is never closed, or a backslash is its last character"
        checker.wrong(node, f"{quoted(text)} matches no path: {reason}. Put a backslash before a bracket that is one.")
        return None
    checker.wrong(node, f"{quoted(text)} is not a path pattern. Write it as in .gitignore: `migrations/**`.")
    return None


def _patterns(checker: Checker, node: Node, name: str) -> tuple[str, ...] | None:
    return checker.texts(node, name, _pattern)


def _strategy(checker: Checker, node: Node, name: str) -> Strategy | None:
    text = checker.choice(node, name, [strategy.value for strategy in Strategy])
    return Strategy(text) if text else None


def _strategies(checker: Checker, node: Node, name: str) -> tuple[Strategy, ...] | None:
    return checker.texts(node, name, _strategy)


def _permission(checker: Checker, node: Node, name: str) -> Permission | None:
    text = checker.choice(
        node, name, [permission.value for permission in Permission if permission is not Permission.NONE]
    )
    return Permission(text) if text else None


_DRAFTS = {"auto": Draft.AUTO, "true": Draft.ALWAYS, "false": Draft.NEVER}


def _draft(checker: Checker, node: Node, name: str) -> Draft | None:
    text = checker.choice(node, name, list(_DRAFTS))
    return _DRAFTS[text] if text else None


def _unproven(checker: Checker, node: Node, name: str) -> bool | None:
    text = checker.choice(node, name, ["draft", "none"])
    return None if text is None else text == "draft"


def _publish(checker: Checker, node: Node, name: str) -> Publish | None:
    text = checker.choice(node, name, [when.value for when in Publish])
    return Publish(text) if text else None


def _update(checker: Checker, node: Node, name: str) -> Update | None:
    text = checker.choice(node, name, [when.value for when in Update])
    return Update(text) if text else None


def _truth(checker: Checker, node: Node, name: str) -> bool | None:
    text = checker.choice(node, name, ["true", "false"])
    return None if text is None else text == "true"


def _branch(checker: Checker, node: Node, name: str) -> str | None:
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
        checker.wrong(node, f"{quoted(text)} does not make a branch name. Use it as in `solvebot/{{issue}}-{{slug}}`.")
        return None
    return text


def _whole(most: int) -> Callable[[Checker, Node, str], int | None]:
    return lambda checker, node, name: checker.whole(node, name, most)


def _number(most: float) -> Callable[[Checker, Node, str], float | None]:
    return lambda checker, node, name: checker.number(node, name, most)


def _share(checker: Checker, node: Node, name: str) -> float | None:
    return checker.share(node, name)


_LIMITS = {
    "parallel": Field("parallel", _whole(MAX_ATTEMPTS)),
    "minutes": Field("minutes", _number(MAX_MINUTES)),
    "dollars": Field("dollars", _number(MAX_DOLLARS)),
    "steps": Field("steps", _whole(MAX_STEPS)),
    "day": Field("day", _whole(MAX_A_DAY)),
    "command": Field("command", _number(MAX_COMMAND_SECONDS)),
}
_PULL_REQUEST = {
    "draft": Field("draft", _draft),
    "labels": Field("labels", _labels),
    "reviewers": Field("reviewers", _reviewers),
    "branch": Field("branch", _branch),
    "unproven": Field("unproven", _unproven),
    "signoff": Field("signoff", _truth),
    "resolve": Field("resolve", _truth),
}


def _limits(checker: Checker, node: Node, name: str) -> dict[str, Any]:
    return checker.section(node, _LIMITS, f"`{name}`")


def _repairs(checker: Checker, node: Node, name: str) -> int | None:
    text = node.value if isinstance(node, ScalarNode) else ""
    if re.fullmatch(r"[0-9]", str(text)) and int(text) <= MOST_REPAIRS:
        return int(text)
    checker.wrong(node, f"`{name}` must be a whole number from 0 to {MOST_REPAIRS}.")
    return None


_CI = {"repair": Field("repair", _repairs)}


def _ci(checker: Checker, node: Node, name: str) -> dict[str, Any]:
    return checker.section(node, _CI, f"`{name}`")


def _pull_request(checker: Checker, node: Node, name: str) -> PullRequestConfig:
    return PullRequestConfig(**checker.section(node, _PULL_REQUEST, f"`{name}`"))


_TOP = {
    "labels": Field("labels", _labels),
    "who": Field("who", _permission),
    "setup": Field("setup", _texts),
    "test": Field("test", _text),
    "repro": Field("repro", _text),
    "models": Field("models", _texts),
    "attempts": Field("attempts", _whole(MAX_ATTEMPTS)),
    "strategies": Field("strategies", _strategies),
    "limits": Field("limits", _limits),
    "protect": Field("protect", _patterns),
    "trust": Field("trust", _share),
    "rounds": Field("rounds", _whole(MOST_ROUNDS)),
    "pull_request": Field("pull_request", _pull_request),
    "publish": Field("publish", _publish),
    "ci": Field("ci", _ci),
    "update": Field("update", _update),
}


def _repo_config(checker: Checker, root: Node) -> RepoConfig:
    values = checker.section(root, _TOP, "this file")
    return RepoConfig(**values.pop("limits", {}), **values.pop("ci", {}), **values)
