"""The schema and the code say the same: schemathesis asks whatever the one allows, and looks at what the other answers.

A few requests for each route, the same ones every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from bot.web.api.application import application
from tests.contracts.api_world import PREFIX, ApiWorld, api_world

EACH = 10  # requests for one route
ENDLESS = "/solves/{id}/events"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
few = settings(
    max_examples=EACH,
    phases=(Phase.generate,),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
async def api(tmp_path: Path, sqlite_url: str) -> AsyncIterator[ApiWorld]:
    async with api_world(tmp_path, sqlite_url, is_slowed_down=False) as world:
        yield world


async def test_whatever_the_schema_allows_is_answered_as_it_says(api: ApiWorld) -> None:
    token, loop = await api.token("ada"), asyncio.get_running_loop()
    schema = schemathesis.openapi.from_dict(application(api.services).openapi())
    schema.config.update(base_url=f"http://solvebot.test{PREFIX}")

    async def send(case: schemathesis.Case[Any]) -> httpx.Response:
        sent = case.as_transport_kwargs(headers={"Authorization": f"Bearer {token}"})
        body: dict[str, Any] = {"content": sent["data"]} if "data" in sent else {"json": sent.get("json")}
        return await api.client.request(
            sent["method"], sent["url"], headers=sent["headers"], params=sent.get("params"), **body
        )

    def ask(case: schemathesis.Case[Any]) -> None:
        answer = asyncio.run_coroutine_threadsafe(send(case), loop).result()
        case.validate_response(answer, checks=CHECKS)

    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) > 20
    for operation in operations:
        if operation.path != ENDLESS:
            await asyncio.to_thread(few(given(operation.as_strategy())(ask)))
