"""The App about itself: installations, tokens, past deliveries; and accounts."""

from __future__ import annotations

import json
from datetime import timedelta

from bot.simulators.github.auth import AsUser, CannotMint, Token
from bot.simulators.github.calls import CREATED, NO_CONTENT, Answer, Call, Endpoint, wrong_type
from bot.simulators.github.oauth import is_client
from bot.simulators.github.refusals import Refusal, forbidden, not_found, unprocessable
from bot.simulators.github.state import AccountType, Installation, Json, timestamp
from bot.simulators.github.webhooks import Delivery

REDELIVERABLE = timedelta(days=3)
CODE_LIFETIME = timedelta(hours=1)


async def get_app(call: Call) -> Answer:
    counted = {"installations_count": len(call.stage.state.installations)}
    return Answer(call.stage.shapes.app() | counted)


async def convert_manifest(call: Call) -> Answer:
    """Once per code: what GitHub made for the App, of which it never shows the secrets again."""
    made_at = call.stage.codes.pop(call.parameters["code"], None)
    if made_at is None or call.stage.state.now() - made_at > CODE_LIFETIME:
        raise not_found()
    app, webhooks = call.stage.app, call.stage.webhooks
    secrets = {"client_secret": app.client_secret, "webhook_secret": webhooks.secret, "pem": app.private_key_pem}
    return Answer(call.stage.shapes.app() | secrets, CREATED)


def _installation(call: Call) -> Installation:
    found = call.stage.state.installations.get(call.parameters["id"])
    if found is None:
        raise not_found()
    return found


async def get_installation(call: Call) -> Answer:
    return Answer(call.stage.shapes.installation(_installation(call)))


async def list_installations(call: Call) -> Answer:
    return call.listing(list(call.stage.state.installations.values()), call.stage.shapes.installation)


async def get_organisation_installation(call: Call) -> Answer:
    wanted = call.parameters["org"].lower()
    for found in call.stage.state.installations.values():
        if found.account.login.lower() == wanted and found.account.type is AccountType.ORGANIZATION:
            return Answer(call.stage.shapes.installation(found))
    raise not_found()


async def get_team_membership(call: Call) -> Answer:
    """404 for who is not in the team, for a team that is not there, and for a token of another organisation."""
    organisation, slug, login = (call.parameters[name] for name in ("org", "slug", "login"))
    state = call.stage.state
    if call.token.installation.account.login.lower() != organisation.lower():
        raise not_found()
    account, members = state.accounts.get(login.lower()), state.teams.get(f"{organisation}/{slug}".lower())
    if account is None or members is None or account.id not in members:
        raise not_found()
    url = f"{state.url}/orgs/{organisation}/teams/{slug}/memberships/{account.login}"
    return Answer({"url": url, "role": "member", "state": "active" if members[account.id] else "pending"})


async def create_token(call: Call) -> Answer:
    installation = _installation(call)
    if installation.suspended_at is not None:
        raise forbidden("This installation has been suspended")
    permissions = call.body.get("permissions", {})
    if not isinstance(permissions, dict):
        raise wrong_type("permissions", permissions, "an object")
    repositories = _wanted_repositories(call, installation)
    try:
        token = call.stage.authority.mint(installation, permissions, repositories)
    except CannotMint as error:
        raise unprocessable(str(error)) from error
    return Answer(_token(call, token), CREATED)


def _wanted_repositories(call: Call, installation: Installation) -> frozenset[int] | None:
    """The ids asked for; None when nothing was said. 422 for one that the installation does not cover."""
    ids, names = call.body.get("repository_ids"), call.body.get("repositories")
    if ids is None and names is None:
        return None
    if not isinstance(ids or [], list) or not isinstance(names or [], list):
        raise wrong_type("repository_ids", ids, "an array")
    covered = {repo.id: repo for repo in call.stage.state.repositories.values() if installation.covers(repo)}
    named = [next((repo.id for repo in covered.values() if repo.name == name), None) for name in names or []]
    wanted = [*(ids or []), *named]
    if not covered.keys() >= set(wanted):
        raise unprocessable(
            "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    return frozenset(wanted)


def _token(call: Call, token: Token) -> Json:
    shape: Json = {
        "token": token.value,
        "expires_at": call.stage.authority.expiry(token),
        "permissions": dict(token.permissions),
        "repository_selection": "all" if token.repositories is None else "selected",
    }
    if token.repositories is not None:
        repositories = (r for r in call.stage.state.repositories.values() if r.id in token.repositories)
        shape["repositories"] = [call.stage.shapes.repository(repo) for repo in repositories]
    return shape


async def revoke_token(call: Call) -> Answer:
    del call.stage.authority.tokens[call.token.value]
    return NO_CONTENT


async def get_authenticated_user(call: Call) -> Answer:
    assert isinstance(call.caller, AsUser)
    return Answer(call.stage.shapes.account(call.caller.account))


async def delete_user_token(call: Call) -> Answer:
    """By the App's client, which proves itself with its id and secret."""
    if not is_client(call.stage, call.request.headers.get("authorization", "")):
        raise Refusal(401, "Bad credentials")
    if call.parameters["client_id"] != call.stage.app.client_id:
        raise not_found()
    if call.stage.authority.user_tokens.pop(call.text("access_token"), None) is None:
        raise unprocessable("Token is invalid.")
    return NO_CONTENT


# ------------------------------------------------------------------------------------------------------- deliveries


def _redeliverable(call: Call) -> list[Delivery]:
    """Newest first, not older than GitHub can redeliver."""
    oldest = call.stage.state.now() - REDELIVERABLE
    return [d for d in reversed(call.stage.webhooks.deliveries) if d.delivered_at >= oldest]


async def list_deliveries(call: Call) -> Answer:
    deliveries = _redeliverable(call)
    status, cursor = call.query("status"), call.query("cursor")
    if status:
        deliveries = [d for d in deliveries if d.succeeded == (status == "success")]
    if cursor:
        if not cursor.startswith("v1_") or not cursor[3:].isdigit():
            raise unprocessable("Invalid cursor")
        deliveries = [d for d in deliveries if d.id <= int(cursor[3:])]
    size = call.page_size
    headers = {}
    if len(deliveries) > size:
        kept = f"&status={status}" if status else ""
        url = f"{call.stage.state.url}/app/hook/deliveries?per_page={size}&cursor=v1_{deliveries[size].id}{kept}"
        headers["Link"] = f'<{url}>; rel="next"'
    return Answer([_delivery(d) for d in deliveries[:size]], headers=headers)


def _find_delivery(call: Call) -> Delivery:
    found = next((d for d in _redeliverable(call) if d.id == call.parameters["id"]), None)
    if found is None:
        raise not_found()
    return found


async def get_delivery(call: Call) -> Answer:
    found = _find_delivery(call)
    details = {
        "url": call.stage.webhooks.url,
        "request": {"headers": found.request_headers, "payload": json.loads(found.payload)},
        "response": {"headers": found.response_headers, "payload": found.response_body},
    }
    return Answer(_delivery(found) | details)


async def redeliver(call: Call) -> Answer:
    call.stage.webhooks.redeliver(_find_delivery(call))
    return Answer({}, status=202)


def _delivery(delivery: Delivery) -> Json:
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": timestamp(delivery.delivered_at),
        "redelivery": delivery.redelivery,
        "duration": delivery.duration,
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.installation_id,
        "repository_id": delivery.repository_id,
        "throttled_at": None,
    }


async def change_hook_config(call: Call) -> Answer:
    if (url := call.optional_text("url")) is not None:
        call.stage.webhooks.url = url
    if (secret := call.optional_text("secret")) is not None:
        call.stage.webhooks.secret = secret
    return await get_hook_config(call)


async def get_hook_config(call: Call) -> Answer:
    return Answer(
        {"url": call.stage.webhooks.url or "", "content_type": "json", "insecure_ssl": "0", "secret": "********"}
    )


# --------------------------------------------------------------------------------------------------------- accounts


async def get_user(call: Call) -> Answer:
    found = call.stage.state.accounts.get(call.parameters["login"].lower())
    if found is None:
        raise not_found()
    return Answer(call.stage.shapes.account(found) | {"name": found.login, "public_repos": 0})


async def get_rate_limit(call: Call) -> Answer:
    """Free of charge."""
    call.stage.limits.give_back(call.caller.bucket)
    headers = call.stage.limits.headers(call.caller.bucket)
    core = {name: int(headers[f"X-RateLimit-{name.title()}"]) for name in ("limit", "used", "remaining", "reset")}
    return Answer({"resources": {"core": core}})


ENDPOINTS = (
    Endpoint("POST", "/app-manifests/{code}/conversions", convert_manifest, "nobody"),
    Endpoint("GET", "/app", get_app, "app"),
    Endpoint("GET", "/app/installations", list_installations, "app"),
    Endpoint("GET", "/app/installations/{id:int}", get_installation, "app"),
    Endpoint("POST", "/app/installations/{id:int}/access_tokens", create_token, "app"),
    Endpoint("GET", "/orgs/{org}/installation", get_organisation_installation, "app"),
    Endpoint("GET", "/orgs/{org}/teams/{slug}/memberships/{login}", get_team_membership, "members: read"),
    Endpoint("DELETE", "/installation/token", revoke_token, "metadata: read"),
    Endpoint("GET", "/app/hook/config", get_hook_config, "app"),
    Endpoint("PATCH", "/app/hook/config", change_hook_config, "app"),
    Endpoint("GET", "/app/hook/deliveries", list_deliveries, "app"),
    Endpoint("GET", "/app/hook/deliveries/{id:int}", get_delivery, "app"),
    Endpoint("POST", "/app/hook/deliveries/{id:int}/attempts", redeliver, "app"),
    Endpoint("GET", "/users/{login}", get_user, "any"),
    Endpoint("GET", "/user", get_authenticated_user, "user"),
    Endpoint("DELETE", "/applications/{client_id}/token", delete_user_token, "nobody"),
    Endpoint("GET", "/rate_limit", get_rate_limit, "any"),
)
