"""solvebot models: the models that this server knows, and what became of what they made. Parsing and printing only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from bot.command_line import settings_from_environment, with_store
from bot.core.model import UNKNOWN_PRIOR, ModelSpec, Prices
from bot.ports import Store
from bot.settings import Settings

if TYPE_CHECKING:
    pass

MAX_PRICE = 1e6  # dollars per million tokens; more is a mistake


@click.group()
def models() -> None:
    """The catalogue of models: what people may ask for, and what it costs."""


@models.command("list")
def models_list() -> None:
    """All models. Prices are dollars per million tokens, the prior is the share of issues that it solves alone.

    Below them, shares that were published, also of models that can be added.
    """
    from bot.agent.catalogue import PUBLISHED
    from bot.terminal_tables import catalogue, console, published

    async def show(store: Store) -> None:
        found = await store.models(active_only=False)
        console().print(catalogue(found))
        console().print(published(PUBLISHED, found))

    with_store(settings_from_environment(serving=False), show)


@models.command("record")
def models_record() -> None:
    """What people did with each model's champions, and how that moves its prior. It stays on this server."""
    from bot.terminal_tables import console, record

    async def show(store: Store) -> None:
        console().print(record(await store.models(active_only=False), await store.record()))

    with_store(settings_from_environment(serving=False), show)


def _one_word(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    """What goes into comma lists, commands and tables."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@+~-]{0,99}", text):
        raise click.BadParameter(
            f"{text!r} is no name: begin with a letter or a digit, and use only those and . _ - : / @ + ~, at most 100."
        )
    return text


def _price(_context: click.Context, _parameter: click.Parameter, price: float | None) -> float | None:
    if price is None or 0 <= price < MAX_PRICE:  # neither is what is not a number
        return price
    raise click.BadParameter(f"{price:g} is no price: use dollars per million tokens, from 0 to {MAX_PRICE:g}.")


@models.command("add")
@click.argument("name", callback=_one_word)
@click.argument("model_id", callback=_one_word)
@click.option("--provider", default="openrouter", show_default=True, callback=_one_word, help="As in MODEL_PROVIDER.")
@click.option("--input", "input_price", type=float, callback=_price, help="Dollars per million tokens.")
@click.option("--output", "output_price", type=float, callback=_price, help="Dollars per million tokens.")
@click.option("--temperature", type=click.FloatRange(0, 2))
@click.option("--max-tokens", type=click.IntRange(min=1))
@click.option("--prior", type=click.FloatRange(0, 1), default=UNKNOWN_PRIOR, show_default=True, help="Share it solves.")
def models_add(name: str, model_id: str, provider: str, input_price: float | None, output_price: float | None,
               temperature: float | None, max_tokens: int | None, prior: float) -> None:  # fmt: skip
    """Add a model, or change one. NAME is what people type, MODEL_ID what the provider calls it."""
    if (input_price is None) != (output_price is None):
        raise click.UsageError("give both --input and --output, or neither")
    prices = Prices(input_price, output_price) if input_price is not None and output_price is not None else None
    spec = ModelSpec(name, provider, model_id, temperature, max_tokens, prices, prior)
    settings = settings_from_environment(serving=False)

    async def save(store: Store) -> None:
        await _refuse_twin(store, name)
        await store.save_model(spec)
        click.echo(f"{name} is in the catalogue.")
        for hint in _what_it_lacks(spec, settings):
            click.echo(hint)

    with_store(settings, save)


async def _refuse_twin(store: Store, name: str) -> None:
    """People's upper and lower case do not count, so one of the two could never be asked for."""
    names = [spec.name for spec in await store.models(active_only=False)]
    twin = next((other for other in names if other != name and other.lower() == name.lower()), None)
    if twin is not None:
        raise click.ClickException(f"there is {twin} already, and upper and lower case are the same to who asks for it")


def _what_it_lacks(spec: ModelSpec, settings: Settings) -> Iterator[str]:
    """What keeps it from being used, a sentence each."""
    if spec.prices is None and not settings.allow_unknown_prices:
        yield (
            "Its price is unknown, so no budget could be kept and it will not be used. "
            "Add it again with --input and --output, or set ALLOW_UNKNOWN_PRICES=true."
        )
    if spec.provider != settings.model_provider:
        yield f"This server has a key for {settings.model_provider} only (MODEL_PROVIDER), not for {spec.provider}."


@models.command("enable")
@click.argument("name")
def models_enable(name: str) -> None:
    """People may ask for it again."""

    async def enable(store: Store) -> None:
        known = {spec.name: spec for spec in await store.models(active_only=False)}
        if name not in known:
            raise _no_such_model(name)
        await store.save_model(replace(known[name], is_active=True))
        click.echo(f"{name} is enabled.")

    with_store(settings_from_environment(serving=False), enable)


@models.command("disable")
@click.argument("name")
def models_disable(name: str) -> None:
    """Nobody may ask for it any more."""

    async def disable(store: Store) -> None:
        if not await store.disable_model(name):
            raise _no_such_model(name)
        click.echo(f"{name} is disabled.")

    with_store(settings_from_environment(serving=False), disable)


def _no_such_model(name: str) -> click.ClickException:
    return click.ClickException(f"there is no model {name}; `solvebot models list` shows all")
