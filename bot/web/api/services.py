"""What the routes are given: ports, settings that they may tell, and nothing that is theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.choosing.experiments import ServerLimits
from bot.core.text.outgoing import Redactor
from bot.inbox import Inbox
from bot.ports import Clock, GitHub, Ledger, Requests, Store, Tokens, Views
from bot.web.administrators import Administrators
from bot.web.api.rates import Rates
from bot.web.events import Feed
from bot.web.reading import Reading
from bot.web.shown_settings import SettingView
from bot.web.together import Together


@dataclass(frozen=True, slots=True)
class Services:
    reading: Reading
    github: GitHub
    store: Store
    views: Views
    ledger: Ledger
    tokens: Tokens
    requests: Requests
    inbox: Inbox
    clock: Clock
    feed: Feed
    still_valid: Together  # tokens, by their ids
    rates: Rates
    redact: Redactor
    admins: Administrators
    limits: ServerLimits
    settings: Sequence[SettingView]
    site: str  # where people see repositories
