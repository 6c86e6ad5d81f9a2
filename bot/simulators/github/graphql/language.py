"""Reads a GraphQL document and answers it from a tree of objects.

Covers operations with variables, arguments, aliases, inline fragments and `__typename`; no named fragments, no
directives. Types are not checked, names are: a field that no object has is an error, as it would be on GitHub.

graphql-core would want a schema of all that a query touches, beside the objects of state.py that say it already.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r'[\s,]+|#[^\n]*|(?P<token>"(?:[^"\\]|\\.)*"|\.\.\.|[A-Za-z_]\w*|-?\d+(?:\.\d+)?|[{}()\[\]:$!=@|])')


class GraphQLError(Exception):
    """`type` is GitHub's: NOT_FOUND, FORBIDDEN, UNPROCESSABLE; None for mistakes in the document itself."""

    def __init__(self, message: str, type: str | None = None) -> None:
        super().__init__(message)
        self.type = type


@dataclass(frozen=True, slots=True)
class Variable:
    name: str


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    alias: str
    arguments: Mapping[str, Any]
    selections: tuple[Field | Fragment, ...]


@dataclass(frozen=True, slots=True)
class Fragment:
    """`... on Type { }`"""

    on: str
    selections: tuple[Field | Fragment, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    kind: str  # query or mutation
    defaults: Mapping[str, Any]
    required: frozenset[str]
    selections: tuple[Field | Fragment, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """An object that can be asked for fields. A field is a value, or a function of the arguments that finds it."""

    type: str
    fields: Mapping[str, Any] = field(default_factory=dict)


class Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise GraphQLError(f"Parse error on {text[position]!r}")
            position = match.end()
            if match["token"]:
                self._tokens.append(match["token"])
        self._tokens.append("")  # the end

    def operation(self) -> Operation:
        kind, defaults, required = "query", {}, set()
        if self._peek() in ("query", "mutation"):
            kind = self._next()
            if self._peek() not in ("(", "{"):
                self._next()  # its name
            if self._take("("):
                while not self._take(")"):
                    name, default, is_required = self._definition()
                    defaults[name] = default
                    if is_required:
                        required.add(name)
        selections = self._selections()
        if self._peek():
            raise GraphQLError(f"Parse error on {self._peek()!r}")
        return Operation(kind, defaults, frozenset(required), selections)

    def _definition(self) -> tuple[str, Any, bool]:
        self._expect("$")
        name = self._next()
        self._expect(":")
        is_required = False
        while self._peek() not in ("$", ")", "=", ""):
            is_required = self._next() == "!"
        default = self._value() if self._take("=") else None
        return name, default, is_required and default is None

    def _selections(self) -> tuple[Field | Fragment, ...]:
        self._expect("{")
        found: list[Field | Fragment] = []
        while not self._take("}"):
            if self._take("..."):
                self._expect("on")
                found.append(Fragment(self._next(), self._selections()))
            else:
                found.append(self._field())
        return tuple(found)

    def _field(self) -> Field:
        alias = name = self._name()
        if self._take(":"):
            name = self._name()
        arguments: dict[str, Any] = {}
        if self._take("("):
            while not self._take(")"):
                argument = self._name()
                self._expect(":")
                arguments[argument] = self._value()
        selections = self._selections() if self._peek() == "{" else ()
        return Field(name, alias, arguments, selections)

    def _value(self) -> Any:
        token = self._next()
        if token == "$":
            return Variable(self._next())
        if token == "[":
            items = []
            while not self._take("]"):
                items.append(self._value())
            return items
        if token == "{":
            members: dict[str, Any] = {}
            while not self._take("}"):
                key = self._name()
                self._expect(":")
                members[key] = self._value()
            return members
        if token[:1] in ('"', "-") or token[:1].isdigit() or token in ("true", "false", "null"):
            return json.loads(token)
        return token  # an enum

    def _name(self) -> str:
        token = self._next()
        if not re.fullmatch(r"[A-Za-z_]\w*", token):
            raise GraphQLError(f"Parse error on {token!r}, expected a name")
        return token

    def _peek(self) -> str:
        return self._tokens[0]

    def _next(self) -> str:
        if not self._tokens[0]:
            raise GraphQLError("Unexpected end of document")
        return self._tokens.pop(0)

    def _take(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._next()
        return True

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise GraphQLError(f"Parse error: expected {token!r}")


@dataclass(slots=True)
class Execution:
    """One answer in the making: `errors` is filled as fields turn out not to be had."""

    variables: Mapping[str, Any]
    errors: list[dict[str, Any]] = field(default_factory=list)

    async def select(self, node: Node, selections: tuple[Field | Fragment, ...], path: tuple[str, ...]) -> Any:
        """Raises `GraphQLError` without a type for what is not in the schema."""
        answer: dict[str, Any] = {}
        for selection in selections:
            if isinstance(selection, Fragment):
                if selection.on in (node.type, *node.fields.get("__interfaces", ())):
                    answer |= await self.select(node, selection.selections, path)
            else:
                answer[selection.alias] = await self._field(node, selection, (*path, selection.alias))
        return answer

    async def _field(self, node: Node, wanted: Field, path: tuple[str, ...]) -> Any:
        if wanted.name == "__typename":
            return node.type
        if wanted.name not in node.fields:
            raise GraphQLError(f"Field '{wanted.name}' doesn't exist on type '{node.type}'")
        value = node.fields[wanted.name]
        try:
            if callable(value):
                value = await value({name: self._resolve(given) for name, given in wanted.arguments.items()})
        except GraphQLError as error:
            if error.type is None:
                raise
            self.errors.append({"type": error.type, "path": list(path), "message": str(error)})
            return None
        return await self._finish(value, wanted, path)

    async def _finish(self, value: Any, wanted: Field, path: tuple[str, ...]) -> Any:
        match value:
            case Node():
                if not wanted.selections:
                    raise GraphQLError(f"Field must have selections (field '{wanted.name}' returns {value.type})")
                return await self.select(value, wanted.selections, path)
            case list():
                return [await self._finish(item, wanted, path) for item in value]
        if wanted.selections and value is not None:
            raise GraphQLError(f"Selections can't be made on scalars (field '{wanted.name}')")
        return value

    def _resolve(self, value: Any) -> Any:
        match value:
            case Variable(name):
                return self.variables.get(name)
            case list():
                return [self._resolve(item) for item in value]
            case dict():
                return {key: self._resolve(item) for key, item in value.items()}
        return value
