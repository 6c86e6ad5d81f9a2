"""What is on record of workflows, as a stored format: of each workflow what it takes, of each step what it returns.

    python -m tests.formats > tests/records/formats.json

The order is that of the code, room by room. Old records have to be readable by new code: a new field needs a default,
a field that is gone harms nobody, and where that is not enough the workflow begins anew (bot/version_upgrade.py).
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

import bot
from bot.adapters import engine
from bot.assembly import assemble
from bot.clock import SYSTEM_CLOCK
from bot.engine import STEPS, returned
from bot.ports import World
from bot.settings import Settings

RECORDS = Path(__file__).parent / "records"
Json = Mapping[str, Any]
ANYTHING = {"title": "anything"}


def formats() -> dict[str, Any]:
    """Of the present code. Registers workflows with DBOS for good, so it wants a process of its own."""
    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    motor = engine(Settings(), clock=SYSTEM_CLOCK)
    assemble(Settings(), World(*[cast(Any, None)] * 6), motor)  # nothing of it is asked
    steps = dict(sorted(STEPS.items(), key=lambda step: _place(step[1])))
    workflows = motor.arguments
    results = [returned(method) for method in steps.values()]
    types = [*workflows.values(), *results]
    schemas, shapes = msgspec.json.schema_components(types, schema_hook=lambda _: ANYTHING, ref_template="{name}")
    taken, given = schemas[: len(workflows)], schemas[len(workflows) :]
    return {
        "workflows": dict(zip(workflows, taken, strict=True)),
        "steps": dict(zip(steps, given, strict=True)),
        "rooms": {name: method.__module__ for name, method in steps.items()},
        "shapes": {name: _without_words(shape) for name, shape in shapes.items()},
    }


def _place(method: Callable[..., Any]) -> tuple[str, int]:
    return method.__module__, method.__code__.co_firstlineno


def _without_words(shape: Any) -> Any:
    """Docstrings are no part of a format, nor are the defaults of fields."""
    if isinstance(shape, list):
        return [_without_words(value) for value in shape]
    if not isinstance(shape, dict):
        return shape
    fields = {name: _without_words(field) for name, field in shape.get("properties", {}).items()}
    rest = {key: _without_words(v) for key, v in shape.items() if key not in ("description", "default", "properties")}
    return {**rest, "properties": fields} if fields else rest


def written(found: Json) -> str:
    return json.dumps(found, indent=1) + "\n"


class Reading:
    """Can what one version has written be read by another? Both as `formats` tells."""

    def __init__(self, old: Json, new: Json) -> None:
        self._old = old["shapes"]
        self._new = new["shapes"]
        self._assumed: set[str] = set()

    def fits(self, old: Json, new: Json) -> bool:
        pair = json.dumps([old, new], sort_keys=True)
        if pair in self._assumed:
            return True
        self._assumed.add(pair)
        if "$ref" in old or "$ref" in new:
            return self.fits(self._old.get(old.get("$ref"), old), self._new.get(new.get("$ref"), new))
        if "anyOf" in old:
            return all(self.fits(option, new) for option in old["anyOf"])
        if "anyOf" in new:
            return any(self.fits(old, option) for option in new["anyOf"])
        return new in ({}, ANYTHING) or self._fits(old, new)

    def _fits(self, old: Json, new: Json) -> bool:
        if "enum" in new:
            return set(old.get("enum", [None])) <= set(new["enum"])
        if "enum" in old:
            return all(isinstance(value, str) for value in old["enum"]) and new.get("type") == "string"
        if old.get("type") != new.get("type") and (old.get("type"), new.get("type")) != ("integer", "number"):
            return False
        if "properties" in old and "properties" in new:
            there, wanted = old["properties"], new["properties"]
            common = there.keys() & wanted.keys()
            return {*new.get("required", ())} <= there.keys() and all(self.fits(there[n], wanted[n]) for n in common)
        inner = [key for key in ("items", "additionalProperties") if isinstance(new.get(key), dict)]
        return all(self.fits(old.get(key, {}), new[key]) for key in inner) and self._fits_in_order(old, new)

    def _fits_in_order(self, old: Json, new: Json) -> bool:
        before, after = old.get("prefixItems", []), new.get("prefixItems", [])
        return len(before) == len(after) and all(map(self.fits, before, after))


if __name__ == "__main__":
    sys.stdout.write(written(formats()))
