"""Tokens, refusals, limits and the other traps between a call and its answer, over real HTTP."""

from __future__ import annotations

import asyncio

import pytest

from bot.github.client import Answer, Call
from bot.github.responses import Issue
from bot.github.tokens import AppIdentity
from bot.ports import Denied, Gone, Rejected, Unavailable
from tests.contracts.github_world import MARKER, World, world

__all__ = ["world"]


# -------------------------------------------------------------------------------------------------------- tokens


async def test_twenty_calls_at_once_need_one_token(world: World) -> None:
    issue, _ = await world.open_issue()
    await asyncio.gather(*(world.hub.issue(issue) for _ in range(20)))
    assert len(world.mints()) == 1


async def test_a_token_can_do_no_more_than_its_purpose_needs(world: World) -> None:
    issue, _ = await world.open_issue()
    await world.hub.issue(issue)
    await world.hub.say(issue, MARKER, marker=MARKER)
    await world.commit("one")
    tokens = list(world.github.authority.tokens.values())
    assert all(token.repositories == frozenset({world.repo.id}) for token in tokens)
    assert [token.permissions for token in tokens] == [
        {"contents": "read", "issues": "read", "metadata": "read", "pull_requests": "read"},
        {"issues": "write", "metadata": "read", "pull_requests": "write"},
        {"contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write"},
    ]


@pytest.mark.parametrize("fractional", [True, False])
@pytest.mark.parametrize("long", [True, False])
async def test_a_token_is_renewed_five_minutes_before_its_end(world: World, fractional: bool, long: bool) -> None:
    world.github.authority.fractional_expiry, world.github.authority.long_tokens = fractional, long
    issue, _ = await world.open_issue()
    await world.hub.issue(issue)
    world.time.goes_on(minutes=54)
    await world.hub.issue(issue)
    assert len(world.mints()) == 1
    world.time.goes_on(minutes=2)
    await world.hub.issue(issue)
    assert len(world.mints()) == 2


async def test_a_token_that_github_no_longer_knows_is_replaced(world: World) -> None:
    issue, there = await world.open_issue()
    await world.hub.say(issue, MARKER, marker=MARKER)
    world.github.authority.tokens.clear()
    await world.hub.say(issue, f"{MARKER} again", marker=MARKER)
    assert [comment.body for comment in there.comments] == [f"{MARKER} again"]
    assert len(world.mints()) == 2


async def test_twenty_calls_at_once_replace_a_token_once(world: World) -> None:
    issue, _ = await world.open_issue()
    await world.hub.issue(issue)
    world.github.authority.tokens.clear()
    await asyncio.gather(*(world.hub.issue(issue) for _ in range(20)))
    assert len(world.mints()) == 2


async def test_a_token_is_replaced_only_once(world: World) -> None:
    issue, _ = await world.open_issue()
    await world.hub.issue(issue)
    world.github.faults.add("GET", "*/issues/1", status=401, body={"message": "Bad credentials"}, times=None)
    with pytest.raises(Denied):
        await world.hub.issue(issue)
    assert len(world.mints()) == 2


async def test_a_new_token_that_is_not_known_everywhere_yet(world: World) -> None:
    issue, _ = await world.open_issue()
    world.github.faults.add("GET", "*/issues/1", status=404, body={"message": "Not Found"}, times=2)
    assert (await world.hub.issue(issue)).open
    assert world.time.waited == [0.5, 1.5]
    assert len(world.mints()) == 1


async def test_when_a_token_has_worked_404_is_an_answer(world: World) -> None:
    await world.hub.repository(world.repo)
    assert await world.hub.file(world.repo, "missing.txt", "main") is None
    assert world.time.waited == []


async def test_uninstalled(world: World) -> None:
    issue, _ = await world.open_issue()
    await world.hub.issue(issue)
    await world.repository.installation.uninstall()
    for _ in range(2):
        with pytest.raises(Gone):
            await world.hub.issue(issue)
    assert len(world.requests("*/issues/1")) == 2  # the second time there was no token to ask with


async def test_suspended(world: World) -> None:
    issue, _ = await world.open_issue()
    await world.hub.issue(issue)
    await world.repository.installation.suspend()
    with pytest.raises(Denied) as denied:
        await world.hub.issue(issue)
    assert "unsuspend" in denied.value.remedy


async def test_a_repository_taken_out_of_the_installation(world: World) -> None:
    repo = world.repo
    world.repository.installation.state.repositories = set()
    with pytest.raises(Gone) as gone:
        await world.hub.repository(repo)
    assert gone.value.remedy == "Give the App access to this repository"


async def test_a_permission_that_was_never_granted(world: World) -> None:
    permissions = {"contents": "read", "issues": "write", "metadata": "read", "pull_requests": "write"}
    await world.repository.installation.accept_permissions(permissions)
    assert (await world.hub.repository(world.repo)).default_branch == "main"
    with pytest.raises(Denied) as denied:
        await world.commit("one")
    assert denied.value.remedy.startswith("The App lacks the permission `contents: write`")


async def test_a_permission_that_a_call_turns_out_to_need(world: World) -> None:
    issue, _ = await world.open_issue()
    world.github.faults.add(
        "GET",
        "*/issues/1",
        status=403,
        body={"message": "Resource not accessible by integration"},
        headers={"X-Accepted-GitHub-Permissions": "issues=read,checks=read; administration=read"},
    )
    with pytest.raises(Denied) as denied:
        await world.hub.issue(issue)
    assert "`issues: read` and `checks: read` or `administration: read`;" in denied.value.remedy


async def test_the_id_of_another_app(world: World) -> None:
    issue, _ = await world.open_issue()
    hub = world.another_hub(AppIdentity("4711", world.identity.private_key))
    with pytest.raises(Denied) as denied:
        await hub.issue(issue)
    assert "GITHUB_APP_ID" in denied.value.remedy


async def test_a_clock_that_is_wrong(world: World) -> None:
    issue, _ = await world.open_issue()
    hub = world.another_hub()
    world.github.stage.state.now = lambda: world.time.moment.replace(year=2025)
    with pytest.raises(Denied) as denied:
        await hub.issue(issue)
    assert "clock" in denied.value.remedy


async def test_a_key_that_is_none(world: World) -> None:
    with pytest.raises(Denied) as denied:
        world.another_hub(AppIdentity("1", "-----BEGIN NONSENSE-----"))
    assert "NONSENSE" not in str(denied.value)


@pytest.mark.parametrize("status", [401, 403, 404, 422, 502, None])
async def test_neither_errors_nor_reprs_show_a_secret(world: World, status: int | None) -> None:
    issue, _ = await world.open_issue()
    await world.hub.issue(issue)
    world.github.faults.add("GET", "*/issues/1", status=status, drop_answer=status is None, times=None)
    with pytest.raises((Denied, Gone, Rejected, Unavailable)) as raised:
        await world.hub.issue(issue)
    told: list[BaseException | None] = [raised.value, raised.value.__cause__, raised.value.__context__]
    said = "\n".join([repr(world.identity), *map(str, told), *map(repr, told)])
    secrets = [*world.github.authority.tokens, world.identity.private_key.splitlines()[1]]
    assert not [secret for secret in secrets if secret in said]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"message": "Invalid", "errors": ["too long", {"code": "custom", "message": "odd"}]},
            "Invalid; too long; odd",
        ),
        ({"message": "Invalid", "errors": [{"resource": "Issue", "code": "missing_field"}]}, "Invalid; missing_field"),
        ({"message": "Invalid", "errors": "not good"}, "Invalid; not good"),
        ({"message": "Invalid"}, "Invalid"),
    ],
)
async def test_people_read_githubs_own_words(world: World, body: dict[str, object], said: str) -> None:
    issue, _ = await world.open_issue()
    world.github.faults.add("POST", "*/reactions", status=422, body=body)
    with pytest.raises(Rejected) as refused:
        await world.hub.react(issue, None, "eyes")
    assert refused.value.remedy == f"GitHub says: {said}"


# -------------------------------------------------------------------------------------------------------- limits


async def test_a_secondary_limit_without_a_header(world: World) -> None:
    issue, there = await world.open_issue()
    world.github.faults.secondary_limit(retry_after=None, method="POST", path="*/comments")
    await world.hub.say(issue, MARKER, marker=MARKER)
    assert world.time.waited == [60.0]
    assert len(there.comments) == 1


@pytest.mark.parametrize("status", [403, 429])
async def test_a_secondary_limit_in_the_way_of_a_post(world: World, status: int) -> None:
    issue, there = await world.open_issue()
    world.github.faults.secondary_limit(retry_after=7, method="POST", path="*/comments", status=status)
    await world.hub.say(issue, MARKER, marker=MARKER)
    assert world.time.waited == [7.0]
    assert len(there.comments) == 1


async def test_a_limit_that_lasts_too_long_is_left_to_the_engine(world: World) -> None:
    world.github.faults.secondary_limit(retry_after=900)
    with pytest.raises(Unavailable) as unavailable:
        await world.hub.repository(world.repo)
    assert unavailable.value.retry_after == 900
    assert world.time.waited == []


async def test_the_primary_limit(world: World) -> None:
    await world.hub.repository(world.repo)
    world.github.limits.limit = 1
    with pytest.raises(Unavailable) as unavailable:
        await world.hub.repository(world.repo)
    assert unavailable.value.retry_after == 3601.0
    world.time.goes_on(minutes=59, seconds=50)
    assert (await world.hub.repository(world.repo)).repo == world.repo
    assert world.time.waited == [pytest.approx(11.0)]


# --------------------------------------------------------------------------------------------------- other traps


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(world: World, status: int) -> None:
    issue, there = await world.open_issue()
    away = {"Location": f"{world.github.url}/repos/acme/widget/issues/1"}
    world.github.faults.add("*", "*/issues/1*", status=status, headers=away, times=None)
    for call in (world.hub.issue(issue), world.hub.say(issue, MARKER, marker=MARKER)):
        with pytest.raises(Gone):
            await call
    assert there.comments == []


async def test_a_next_page_on_another_host_is_not_asked_for(world: World) -> None:
    issue, there = await world.open_issue()
    link = {"Link": f'<{world.github.url}.example.com/page2>; rel="next"'}
    world.github.faults.add("GET", "*/comments", status=200, body="[]", headers=link)
    with pytest.raises(Rejected, match="another host"):
        await world.hub.say(issue, MARKER, marker=MARKER)
    assert there.comments == []


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"title": 7, "state": "open"}', b'{"title": "\xff"}'])
def test_an_answer_that_makes_no_sense(content: bytes) -> None:
    answer = Answer(Call("GET", "/repos/o/r/issues/1"), 200, {}, content)
    with pytest.raises(Unavailable, match="GET /repos/o/r/issues/1 cannot be understood"):
        answer.read(Issue)
    assert answer.message == ""


async def test_nobody_is_listening(world: World) -> None:
    issue, _ = await world.open_issue()
    with pytest.raises(Unavailable):
        await world.another_hub(url="http://127.0.0.1:9").issue(issue)
    assert world.time.waited == [0.5, 1.0, 2.0]


async def test_writes_take_turns_and_reads_do_not(world: World) -> None:
    hub = world.another_hub(write_interval=30.0)
    issue, there = await world.open_issue()
    comments = [await there.comment(str(n), by="ada") for n in range(3)]
    await asyncio.gather(*(hub.react(issue, comment.id, "eyes") for comment in comments))
    await hub.issue(issue)
    assert len(world.time.waited) == 2
    assert all(0 < wait <= 30 for wait in world.time.waited)


# ------------------------------------------------------------------------------------------------------ webhooks


async def test_webhooks_that_were_missed_are_sent_again(world: World) -> None:
    hooks = world.github.webhooks
    hooks.url = "http://127.0.0.1:9/"  # nobody is there
    _, there = await world.open_issue()
    world.time.goes_on(hours=1)
    since = world.time.now()
    for n in range(120):  # more than a page
        await there.comment(str(n), by="ada")
    await world.github.delivered()
    taken = hooks.deliveries[-1]
    taken.status, taken.status_code = "OK", 202

    assert await world.hub.redeliver_missed(since) == 119

    again = [delivery.guid for delivery in hooks.deliveries if delivery.redelivery]
    missed = [delivery.guid for delivery in hooks.deliveries if not delivery.redelivery][1:-1]
    assert again == missed  # each once, oldest first


async def test_a_webhook_that_was_taken_the_second_time_is_not_missed(world: World) -> None:
    hooks = world.github.webhooks
    hooks.url = "http://127.0.0.1:9/"
    since = world.time.now()
    await world.open_issue()
    again = hooks.redeliver(hooks.deliveries[0])
    await world.github.delivered()
    again.status, again.status_code = "OK", 202
    assert await world.hub.redeliver_missed(since) == 0


async def test_a_webhook_that_is_too_old_is_let_go(world: World) -> None:
    world.github.webhooks.url = "http://127.0.0.1:9/"
    since = world.time.now()
    await world.open_issue()
    await world.github.delivered()
    world.github.faults.add("POST", "*/attempts", status=404)
    assert await world.hub.redeliver_missed(since) == 0
