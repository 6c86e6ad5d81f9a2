"""What pages show to whom, and that whatever is in the database is text on them."""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import (
    Candidate,
    ChangeKind,
    Decision,
    Evidence,
    ExitStatus,
    Experiment,
    FileChange,
    Limits,
    ModelSpec,
    Outcome,
    Prices,
    PullRequest,
    Ranked,
    RunId,
    SandboxId,
    Sha,
    SolveId,
    Status,
    Strategy,
    Toolchain,
    Usage,
    run_id,
)
from tests.browser import Browser, Page
from tests.contracts.pages_world import PRIVATE, PUBLIC, PagesWorld, pages_world
from tests.contracts.test_store import BASELINE, NOON, TASK, solve

EVERY_PAGE = (
    "/",
    "/repositories",
    "/repositories/octo/secret",
    "/money?days=366",
    f"/solves/{PRIVATE}",
    f"/solves/{PRIVATE}/runs/A",
)
HIDDEN = "octo/secret"


@pytest.fixture
async def world(tmp_path: Path, sqlite_url: str) -> AsyncIterator[PagesWorld]:
    async with pages_world(tmp_path, sqlite_url) as world:
        yield world


@pytest.mark.parametrize("path", EVERY_PAGE)
async def test_a_stranger_learns_nothing_of_a_private_repository(world: PagesWorld, path: str) -> None:
    async with Browser() as reader, Browser() as stranger:
        shown = await world.enter(reader, "rita", path)
        assert (shown.status, HIDDEN in shown.text) == (200, True)
        hidden = await world.enter(stranger, "mallory", path)
        assert HIDDEN not in hidden.text
        assert "It breaks" not in hidden.text or path == "/"
        nothing = await world.get(stranger, "/solves/s-that-is-not-there")
        if path.startswith(("/solves/", "/repositories/")):
            assert (hidden.status, hidden.text) == (404, nothing.text)


async def test_lists_and_sums_hold_what_somebody_may_see(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "mallory")
        assert [link for link in page.links if link.startswith("/solves/")] == [f"/solves/{PUBLIC}"]
        money = await world.get(browser, "/money?days=366")
        assert "octo/web" in money.text
        assert HIDDEN not in money.text


async def test_permission_that_is_lost_counts_within_a_minute(world: PagesWorld) -> None:
    async with Browser() as browser:
        assert (await world.enter(browser, "rita", f"/solves/{PRIVATE}")).status == 200
        world.private.state.collaborators.clear()
        world.time.moment += timedelta(seconds=61)
        assert (await world.get(browser, f"/solves/{PRIVATE}")).status == 404


async def test_operations_are_for_those_whom_the_setting_names(world: PagesWorld) -> None:
    async with Browser() as admin, Browser() as writer:
        page = await world.enter(admin, "ada", "/operations")
        assert (page.status, "Deliveries from GitHub" in page.text, "/operations" in page.links) == (200, True, True)
        refused = await world.enter(writer, "will", "/operations")
        assert (refused.status, "ADMINS" in refused.text, "/operations" in refused.links) == (403, True, False)


@pytest.mark.parametrize("path", ["/?after=bm8", "/?after=%00", "/operations?entry=x", f"/solves/{PRIVATE}/runs/Z"])
async def test_what_is_no_cursor_and_no_run_is_not_here(world: PagesWorld, path: str) -> None:
    async with Browser() as browser:
        assert (await world.enter(browser, "ada", path)).status == 404


async def test_files_may_be_kept_by_browsers_and_nothing_else_is_there(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.get(browser, "/")
        [sheet] = page.sheets
        css = await world.get(browser, sheet)
        assert (css.status, css.headers["content-type"]) == (200, "text/css; charset=utf-8")
        assert "immutable" in css.headers["cache-control"]
        assert (await world.get(browser, "/static/x/..%2frendering.py")).status == 404
        assert (await world.get(browser, "/static/x/rendering.py")).status == 404


async def test_an_empty_list_says_what_to_do_first(world: PagesWorld) -> None:
    world.public.state.private = True
    async with Browser() as browser:
        assert "solve-me" in (await world.enter(browser, "mallory")).text
        assert "Nothing found" in (await world.get(browser, "/?search=nothing")).text


# ------------------------------------------------------------------------------------------------ hostile texts

EVIL = "</pre></title><script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>{{191*193}}&amp;"
EVIL_LINK = "javascript:alert(4)"
EVIL_PATCH = f"""\
diff --git a/x.py b/x.py
--- a/x.py
+++ b/x.py
@@ -1 +1 @@ {EVIL}
-x = "{EVIL}"
+y = 1  # {EVIL}
diff --git a/<script>alert(5)<.js b/<script>alert(5)<.js
new file mode 100644
--- /dev/null
+++ b/<script>alert(5)<.js
@@ -0,0 +1 @@
+{EVIL}
"""


class Elements(HTMLParser):
    """Everything that a page makes a browser do."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_harmless(page: Page) -> None:
    reader = Elements()
    reader.feed(page.text)
    for tag, attributes in reader.found:
        assert tag not in ("iframe", "object", "embed", "base", "style"), page.url
        assert not [name for name in attributes if name.startswith("on")], (page.url, tag, attributes)
        assert "style" not in attributes, (page.url, tag)
        for name in ("href", "src", "action"):
            assert not (attributes.get(name) or "").lower().startswith(("javascript:", "data:", "//")), attributes
        if tag in ("script", "img", "link"):
            assert (attributes.get("src") or attributes.get("href") or "").startswith("/static/"), attributes
    assert "36863" not in page.text


EVIL_TASK = dataclasses.replace(TASK, title=EVIL, body=EVIL, base_branch=EVIL, left_out=(EVIL,))
EVIL_BASELINE = dataclasses.replace(BASELINE, command=EVIL, note=EVIL, tail=EVIL, flaky=(EVIL,), tried=(EVIL,))
EVIL_SPEC = ModelSpec(EVIL, "p", EVIL, 0.1, 100, Prices(1.0, 1.0, 0.1), 0.5, is_active=True)
EVIL_ID = SolveId("s-evil")
EVIL_RUNS = tuple(run_id(EVIL_ID, number) for number in (1, 2))


async def tell_evil(world: PagesWorld) -> SolveId:
    """A solve in which every text of others is an attack."""
    id, store, asked = EVIL_ID, world.store, solve(EVIL_ID, repo=world.repo(world.public), number=9)
    await store.accept(dataclasses.replace(asked, issue_title=EVIL, issue_body=EVIL, asked=EVIL))
    await store.frozen(id, EVIL_TASK, NOON)
    experiments = tuple(Experiment(n, EVIL_SPEC, 0.0, Strategy.BASELINE, 10, 1.0) for n in (1, 2))
    await store.planned(id, experiments, Limits(2, 20.0, 1.5, 100))
    await store.prepared(id, Toolchain((EVIL,), EVIL, EVIL), EVIL_BASELINE)
    for run in EVIL_RUNS:
        await _run(world, run)
    first, second = EVIL_RUNS
    await store.pooled(id, (PooledTest(EVIL, Origin.SCRIPT, first, (first,), (second,), EVIL),))
    ranking = (Ranked(first, 1, EVIL, eligible=True), Ranked(second, 2, EVIL, eligible=False))
    await store.decided(id, Decision(Outcome.DRAFT, first, None, ranking, (EVIL,), (EVIL,), others=(EVIL,)))
    await store.published(id, PullRequest(8, EVIL_LINK, EVIL, Sha("c" * 40), draft=True))
    await store.noted(id, EVIL)
    await store.ended(id, Status.FAILED, at=NOON, error=EVIL, incident=EVIL, by=EVIL)
    return id


async def _run(world: PagesWorld, run: RunId) -> None:
    store = world.store
    await store.run_started(run, SandboxId(f"box-{run}"), NOON)
    await store.run_stepped(run, steps=1, dollars=0.1, usage=Usage(1, 1, 0), seconds=1.0, last_command=EVIL)
    said = {"role": "assistant", "content": EVIL, "extra": {"actions": [{"command": EVIL, "tool_call_id": "1"}]}}
    printed = f"\x1b[31m{EVIL}\x1b]0;{EVIL}\x07"
    told = {"role": "tool", "tool_call_id": "1", "content": printed, "extra": {"returncode": 1}}
    messages = [{"role": "system", "content": EVIL}, said, told, {"role": "exit", "content": EVIL}]
    trajectory = gzip.compress(json.dumps({"messages": messages}).encode())
    change = FileChange(EVIL, ChangeKind.ADDED, "000000", "100644", Sha("b" * 40), 1, added=1, removed=1)
    await store.candidate_found(run, Candidate(run, EVIL_PATCH, (change,), (EVIL,), summary=EVIL))
    await store.judged(run, Evidence(run, regressions=(EVIL,), fixed=(EVIL,), test_files=(EVIL,), notes=(EVIL,)))
    await store.run_ended(
        run, Status.COMPLETED, at=NOON, exit_status=ExitStatus.SUBMITTED, error=EVIL, trajectory=trajectory
    )


@pytest.mark.parametrize("path", ["", "/runs/A", "/runs/B", "/compare?one=A&other=B"])
async def test_every_text_of_others_is_text(world: PagesWorld, path: str) -> None:
    id = await tell_evil(world)
    async with Browser() as browser:
        page = await world.enter(browser, "rita", f"/solves/{id}{path}")
        assert page.status == 200
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        assert_harmless(page)


@pytest.mark.parametrize("path", ["/", "/money?days=366", "/repositories/octo/web"])
async def test_a_hostile_title_is_text_in_every_list(world: PagesWorld, path: str) -> None:
    await tell_evil(world)
    async with Browser() as browser:
        page = await world.enter(browser, "rita", path)
        assert page.status == 200
        assert "&lt;script&gt;" in page.text
        assert_harmless(page)


@pytest.mark.parametrize("name", ["repository", "person", "search", "state", "told"])
async def test_what_an_address_says_is_text(world: PagesWorld, name: str) -> None:
    async with Browser() as browser:
        await world.enter(browser, "rita")
        for path in ("/", f"/solves/{PRIVATE}"):
            assert_harmless(await world.get(browser, f"{path}?{name}=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"))


async def test_the_operator_sees_what_is_set_and_no_secret(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "ada", "/settings")
        assert "GITHUB_CLIENT_SECRET" in page.text
        assert world.github.app.client_secret not in page.text


async def test_the_operator_has_a_delivery_handed_over_once_more(world: PagesWorld) -> None:
    await world.inbox.put("g-1", "issues", b"{}")
    await world.inbox.handed(["g-1"])
    async with Browser() as browser:
        page = await world.enter(browser, "ada", "/operations")
        form = next(n for n, form in enumerate(page.forms) if form.action == "/deliveries/g-1/redeliver")
        assert (await browser.press(page, form)).redirected_to == "/operations"
        assert "delivery.redelivered" in (await world.get(browser, "/operations")).text
    assert [row.guid for row in await world.inbox.waiting(10)] == ["g-1"]


async def test_budgets_are_told_to_operators_alone(tmp_path: Path, sqlite_url: str) -> None:
    """Sums of all repositories would tell of those that others may not see."""
    async with pages_world(tmp_path, sqlite_url, day_dollars=40.0) as world:
        for login, expected in (("ada", True), ("will", False)):
            async with Browser() as browser:
                page = await world.enter(browser, login, "/money")
                assert (page.status, '<td class="number">$40.00</td>' in page.text) == (200, expected)
