"""What GitHub tells about a branch before it is made. Nothing is changed that anybody sees."""

from __future__ import annotations

from typing import Any

import msgspec

from bot.core.model import Repo
from bot.core.trigger.publish_precheck import BranchRule, Publishing, parents
from bot.github import responses
from bot.github.access import Access
from bot.github.client import Call, encoded
from bot.github.tokens import Purpose

GITHUB_ITSELF = "noreply@github.com"  # the committer of what is written through the API
_BYPASSES = ("always", "exempt")
_UNTOLD = (403, 404)  # where the plan or the server knows no rulesets


class _Rule(msgspec.Struct, frozen=True):
    type: str
    ruleset_id: int | None = None
    parameters: dict[str, Any] | None = None


class _Ruleset(msgspec.Struct, frozen=True):
    current_user_can_bypass: str = "never"


async def look(at: Access, repo: Repo, branch: str) -> Publishing:
    """Raises `Denied` where the installation lacks a permission that publishing takes."""
    found = await at.look_up(repo)
    bot = await at.ourselves(repo, Purpose.PUBLISH)
    rules = await _rules(at, repo, branch)
    signs = None
    if any(rule.kind == "required_signatures" for rule in rules):
        signs = await _signs(at, repo, found.default_branch)
    return Publishing(
        in_the_way=tuple([name for name in parents(branch) if await _exists(at, repo, name)]),
        rules=tuple(rules),
        has_pull_requests=found.has_pull_requests,
        signs=signs,
        author=bot.noreply,
        committer=GITHUB_ITSELF,
    )


async def _exists(at: Access, repo: Repo, branch: str) -> bool:
    call = Call("GET", f"/git/ref/heads{encoded(*branch.split('/'))}", expect=(404, 409))
    return (await at.ask(repo, Purpose.PUBLISH, call)).status == 200


async def _rules(at: Access, repo: Repo, branch: str) -> list[BranchRule]:
    """Those that hold for us: GitHub names rules of the organisation, too, and who may bypass them apart."""
    call = Call("GET", f"/rules/branches{encoded(*branch.split('/'))}", query={"per_page": "100"}, expect=_UNTOLD)
    answer = await at.ask(repo, Purpose.PUBLISH, call)
    told = [] if answer.status in _UNTOLD else answer.read(list[_Rule])
    numbers = dict.fromkeys(rule.ruleset_id for rule in told if rule.ruleset_id is not None)
    bypassed = {number for number in numbers if await _may_bypass(at, repo, number)}
    return [_meant(rule) for rule in told if rule.ruleset_id not in bypassed]


async def _may_bypass(at: Access, repo: Repo, ruleset: int) -> bool:
    call = Call("GET", f"/rulesets/{ruleset}", expect=_UNTOLD)
    answer = await at.ask(repo, Purpose.PUBLISH, call)
    return answer.status not in _UNTOLD and answer.read(_Ruleset).current_user_can_bypass in _BYPASSES


def _meant(rule: _Rule) -> BranchRule:
    told = rule.parameters or {}
    return BranchRule(
        rule.type,
        operator=str(told.get("operator", "")),
        pattern=str(told.get("pattern", "")),
        negate=told.get("negate") is True,
        on_creation=told.get("do_not_enforce_on_create") is not True,
    )


async def _signs(at: Access, repo: Repo, branch: str) -> bool:
    """Asked with a commit that no branch will ever lead to."""
    head = await at.ask(repo, Purpose.PUBLISH, Call("GET", f"/git/ref/heads{encoded(*branch.split('/'))}"))
    parent = head.read(responses.Ref).object.sha
    tree = await at.ask(repo, Purpose.PUBLISH, Call("GET", f"/git/commits{encoded(parent)}"))
    body = {"message": "Is this signed?", "tree": tree.read(responses.GitCommit).tree.sha, "parents": [parent]}
    made = await at.ask(repo, Purpose.PUBLISH, Call("POST", "/git/commits", body, repeatable=True))
    return made.read(responses.GitCommit).verification.verified
