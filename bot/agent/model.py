"""Models behind the chat completions protocol: OpenRouter, or anything that speaks it.

aiohttp, because one session shared by hundreds of waiting calls costs it half a millisecond of CPU a call, where a
shared httpx client (under the official SDK too) takes twenty. What an answer means is decided in protocol.py.

The key stands in the header of a request and nowhere else: errors are made from what the provider said, with the key
taken out, and never while an exception of aiohttp is being handled, since those carry the request's headers along.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp

from bot.agent.pricing import estimated
from bot.agent.protocol import Failure, Said, read_answer
from bot.agent.wire import Manners, corrected, encode_request
from bot.core.model import ModelSpec
from bot.ports import Denied, Rejected, Reply, Unavailable, WorldError

LARGEST_ANSWER = 16 * 1024**2  # bytes; models say some hundred kilobytes at most
_LONGEST_WAIT = 120.0


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider's API begins ("https://host/api/v1"), and the key to it; "" where a server asks for none."""

    base_url: str
    key: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        authorization = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return {"Content-Type": "application/json", **authorization}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on asking. `timeout` bounds one attempt, `first_wait` doubles with each; both in seconds."""

    attempts: int = 5
    timeout: float = 120.0
    first_wait: float = 2.0
    jitter: Callable[[], float] = random.random  # 0 to 1: the share of a wait that is added to it


class ChatModel:
    """The port `Model` over HTTP. `providers` are found by `ModelSpec.provider`.

    `concurrency` bounds the calls to one provider that are under way; waiting between attempts does not count. The
    session must not limit connections below that (`TCPConnector(limit=0)`).
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        providers: Mapping[str, Provider],
        *,
        patience: Patience = Patience(),
        concurrency: int = 64,
        allow_unknown_price: bool = False,
    ) -> None:
        self._session = session
        self._providers = dict(providers)
        self._patience = patience
        self._places = {name: asyncio.Semaphore(concurrency) for name in providers}
        self._allow_unknown_price = allow_unknown_price
        self._manners: dict[tuple[str, str], Manners] = {}  # by provider and the model's id there

    async def complete(
        self,
        spec: ModelSpec,
        messages: Sequence[Mapping[str, Any]],
        *,
        temperature: float | None,
        tools: Sequence[Mapping[str, Any]],
        within: float | None = None,
    ) -> Reply:
        """See `Model.complete`. The errors' `dollars` are what failed attempts were billed."""
        provider = self._provider(spec)
        started = time.monotonic()
        billed = at_stake = 0.0
        attempt = 1
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    manners = self._manners.get((spec.provider, spec.model_id), Manners())
                    body = encode_request(spec, messages, temperature, tools, manners)
                    at_stake = estimated(spec, len(body), 0)
                    answer = await self._ask(spec, provider, body)
                    at_stake, billed = 0.0, billed + answer.dollars
                    if isinstance(answer, Said):
                        seconds = time.monotonic() - started
                        return Reply(answer.message, answer.finish_reason, answer.usage, billed, seconds)
                    if answer.kind is Rejected and self._learns(spec, manners, answer, body):
                        continue
                    wait = self._wait(answer, attempt)
                    if answer.kind is not Unavailable or attempt == self._patience.attempts or wait > _LONGEST_WAIT:
                        raise _error(spec, answer, billed)
                    await asyncio.sleep(wait)
                    attempt += 1
        raise _error(spec, Failure(Unavailable, f"no answer within {within:g} s in all"), billed + at_stake)

    def _learns(self, spec: ModelSpec, manners: Manners, refusal: Failure, body: bytes) -> bool:
        """Is the same question worth asking in another form? The form is kept for all later questions."""
        better = corrected(manners, refusal.detail, refusal.parameter, body)
        if better is not None:
            self._manners[spec.provider, spec.model_id] = better
        return better is not None

    def _provider(self, spec: ModelSpec) -> Provider:
        """Raises before anything is sent, and before anything is billed."""
        provider = self._providers.get(spec.provider)
        if provider is None:
            raise Denied(
                f"no provider {spec.provider!r} for the model {spec.name}",
                remedy=f"Configure an API key for the provider `{spec.provider}`, or disable the model `{spec.name}`.",
            )
        if spec.prices is None and not self._allow_unknown_price:
            raise Rejected(
                f"no prices for the model {spec.name}",
                remedy=f"Give the model `{spec.name}` prices (`solvebot models add`), or allow unknown prices.",
            )
        return provider

    async def _ask(self, spec: ModelSpec, provider: Provider, body: bytes) -> Said | Failure:
        try:
            async with (
                self._places[spec.provider],
                self._session.post(
                    f"{provider.base_url.rstrip('/')}/chat/completions",
                    data=body,
                    headers=provider.headers(),
                    timeout=aiohttp.ClientTimeout(total=self._patience.timeout),
                    allow_redirects=False,  # a redirect would take the conversation, and maybe the key, elsewhere
                    raise_for_status=False,
                ) as response,
            ):
                status, headers, received = response.status, response.headers, await _read(response)
        except aiohttp.InvalidURL:
            return Failure(Rejected, "the base URL is not one", "Correct the base URL of this model's provider.")
        except TimeoutError:
            at_stake = estimated(spec, len(body), 0)
            return Failure(Unavailable, f"no answer within {self._patience.timeout:g} s", dollars=at_stake)
        except (aiohttp.ClientError, OSError) as error:
            return Failure(Unavailable, f"connection: {type(error).__name__}")
        if len(received) > LARGEST_ANSWER:
            paid = estimated(spec, len(body), len(received))
            return Failure(
                Rejected, f"the answer has more than {LARGEST_ANSWER} bytes", "Try another model.", dollars=paid
            )
        now = datetime.now(UTC)
        answer = read_answer(spec, status, headers, received, sent=len(body), now=now)
        return _without(provider.key, answer)

    def _wait(self, failure: Failure, attempt: int) -> float:
        """As long as the provider asks for; else 1, 2, 4... times `first_wait`, and the jitter."""
        if failure.retry_after is not None:
            return failure.retry_after
        backoff = self._patience.first_wait * 2.0 ** (attempt - 1)
        return backoff * (1.0 + self._patience.jitter())


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, unpacked; of one that is too large, a little more than is allowed."""
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > LARGEST_ANSWER:
            break
    return bytes(content)


def _without(key: str, answer: Said | Failure) -> Said | Failure:
    """Some providers quote the key they refuse."""
    if isinstance(answer, Failure) and key:
        return replace(answer, detail=answer.detail.replace(key, "***"), said=answer.said.replace(key, "***"))
    return answer


def _error(spec: ModelSpec, failure: Failure, billed: float) -> WorldError:
    text = f"{spec.provider}/{spec.model_id}: {failure.detail}"
    if failure.kind is Unavailable:
        remedy = f"The provider of `{spec.name}` does not answer as it should; try again later, or another model."
        return Unavailable(text, remedy=remedy, dollars=billed, retry_after=failure.retry_after)
    return failure.kind(text, remedy=failure.remedy, dollars=billed, said=failure.said)
