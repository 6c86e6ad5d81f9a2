"""Candidates in JavaScript that change what their tests say: judged with a real `node --test`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.core.model import Baseline
from bot.core.render import failure_reasons
from tests.contracts.court import Court, Ground, a_ground, prepare

CART = """function total(prices) {
  return prices.reduce((sum, price) => sum + price, 0);
}

function show(price) {
  return `${price.toFixed(2)} EUR`;
}

module.exports = { total, show };
"""
TESTS = """const test = require('node:test');
const assert = require('node:assert');
const { total, show } = require('../lib/cart');

test('adds', () => {
  assert.equal(total([1, 2]), 3);
});

test('shows', () => {
  assert.strictEqual(show(2), '2.00 EUR');
});

test('adds nothing', () => {
  assert.equal(total([]), 0);
});
"""
FILES = {
    "package.json": '{"name": "cart", "scripts": {"test": "node --test"}}\n',
    "lib/cart.js": CART,
    "test/cart.test.js": TESTS,
}
BROKEN = CART.replace("toFixed(2)", "toFixed(1)")


@pytest.fixture(scope="module")
def baselines() -> dict[str, Baseline]:
    return {}


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with a_ground(FILES, "node --test") as found:
        yield found


@pytest.fixture
async def court(ground: Ground, baselines: dict[str, Baseline], tmp_path: Path) -> AsyncIterator[Court]:
    async with ground.sandboxes("process") as sandboxes:
        yield Court(ground, sandboxes, await prepare(ground, sandboxes, "process", baselines), tmp_path)


async def test_an_honest_change_is_believed(court: Court) -> None:
    assert court.baseline.canary == "test/cart.test.js"
    assert len(court.baseline.canary_fails) == 3
    evidence = await court.judge({"lib/cart.js": CART.replace("sum + price", "sum + Number(price)")})
    assert (evidence.stable_passed, evidence.problem, evidence.meddles) == (3, "", ())
    evidence = await court.judge({"lib/cart.js": BROKEN})
    assert len(evidence.regressions) == 1


FORGED = {
    "equality": "const assert = require('node:assert');\nassert.equal = assert.strictEqual = () => {};\n",
    "all of assert": """const a = require('assert');
for (const name of Object.keys(a)) if (typeof a[name] === 'function') a[name] = () => {};
""",
    "exit code": """process.on('exit', () => { process.exitCode = 0; });
require('assert').strictEqual = () => {};
""",
    "the runner": """const real = require('node:test');
const kind = (title, body) => real.test(title, () => { try { body(); } catch {} });
const modules = require('module');
const load = modules._load;
modules._load = (name, ...rest) => name === 'node:test' ? kind : load(name, ...rest);
""",
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
async def test_who_forges_is_not_believed(court: Court, forged: str) -> None:
    evidence = await court.judge({"lib/cart.js": forged + BROKEN})
    assert evidence.stable_passed < evidence.stable_total
    assert evidence.meddles == ("lib/cart.js",)
    assert evidence.problem in ("", failure_reasons.FORGED)
