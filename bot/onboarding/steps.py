"""What a person is led through, one step after the other. What is done stands in the settings file, so a run that was
broken off goes on where it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot import adapters
from bot.agent.model import ChatModel, Patience, Provider
from bot.app_checks import own_app
from bot.core.environment.help import cheapest
from bot.core.operations.onboarding import Facts
from bot.core.trigger.app_manifest import NOWHERE, Wish, webhook_of
from bot.declared_settings import POLL, WEBHOOK, Secret
from bot.doctor import findings, lent
from bot.findings import Finding, Health
from bot.github.registration import Registered, convert
from bot.onboarding.settings_file import SettingsFile
from bot.settings import Settings

TRY = (
    {"role": "system", "content": "You answer with one word."},
    {"role": "user", "content": "Answer with the word: ready"},
)
TRY_TOKENS = 256  # at most; some models think before they say a word
PATIENCE = Patience(attempts=2, timeout=30.0, first_wait=0.5)


@dataclass(frozen=True, slots=True)
class Tried:
    """A model answered for that much."""

    model: str
    dollars: float


class Steps:
    """`environment` is read anew each time, because steps write to it. Methods raise `WorldError` and `OSError`."""

    def __init__(self, file: SettingsFile, environment: Callable[[], Mapping[str, str]]) -> None:
        self._file = file
        self._environment = environment

    @property
    def settings(self) -> Settings:
        """Raises `SettingsError`."""
        return Settings.from_env(self._environment(), serving=False)

    @property
    def server_url(self) -> str:
        return self.settings.server_url.rstrip("/")

    def overruled(self) -> Sequence[str]:
        """Settings that the environment of this process says otherwise than the file would: it is the stronger one."""
        names = ("GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET", "DELIVERIES", "MODEL_API_KEY")
        return [name for name in names if os.environ.get(name)]

    async def facts(self) -> Facts:
        settings = self.settings
        if not settings.app_id or not settings.private_key.reveal():
            return Facts()
        async with own_app(settings) as own:
            found = await own.app()
            installed = [installation.account.login for installation in await own.installations()]
            url = (await own.webhook()).url
        address = "" if url == NOWHERE else url
        has_key, secrets = bool(settings.model_key.reveal()), len(settings.webhook_secrets)
        return Facts(found.slug, found.html_url, address, tuple(installed), has_key, secrets)

    def keep(self, values: Mapping[str, str]) -> None:
        self._file.write(values)

    def keep_key(self, slug: str, pem: str) -> None:
        self._file.write({"GITHUB_PRIVATE_KEY": str(self._file.write_key(slug, pem))})

    def check_file(self) -> None:
        self._file.check()

    async def register(self, code: str, wish: Wish) -> Registered:
        """Change the code for the App, and write down what GitHub tells once."""
        async with adapters.http_session() as session:
            made = await convert(session, self.settings.api_url, code)
        key = self._file.write_key(made.slug, made.pem)
        self._file.write(
            {
                "GITHUB_APP_ID": str(made.id),
                "GITHUB_PRIVATE_KEY": str(key),
                "GITHUB_WEBHOOK_SECRET": made.webhook_secret or "",
                "GITHUB_CLIENT_ID": made.client_id,
                "GITHUB_CLIENT_SECRET": made.client_secret,
                "DELIVERIES": WEBHOOK if wish.address else POLL,
            }
        )
        return made

    async def move_webhook(self, address: str) -> None:
        """Deliveries go there from now on; "": nowhere, and are read from the App's list."""
        async with own_app(self.settings) as own:
            await own.change_webhook({"url": webhook_of(address)})
        self._file.write({"DELIVERIES": WEBHOOK if address else POLL})

    async def try_model(self, key: str) -> Tried | None:
        """One call of the cheapest model, after which the key is kept. None where no model has a price."""
        settings = replace(self.settings, model_key=Secret(key))
        async with adapters.the_store(settings) as store:
            known = [spec for spec in await store.models() if spec.provider == settings.model_provider]
        spec = cheapest(known)
        if spec is None:
            return None
        providers = {settings.model_provider: Provider(settings.model_url, key)}
        async with adapters.http_session() as session:
            model = ChatModel(session, providers, patience=PATIENCE)
            reply = await model.complete(replace(spec, max_tokens=TRY_TOKENS), TRY, temperature=None, tools=())
        self._file.write({"MODEL_API_KEY": key})
        return Tried(spec.name, reply.dollars)

    async def try_e2b(self, key: str) -> Finding:
        """Kept when E2B takes it."""
        found = [finding async for finding in lent(replace(self.settings, e2b_key=Secret(key)))]
        worst = next((finding for finding in found if finding.health is not Health.GOOD), found[0])
        if worst.health is Health.GOOD:
            self._file.write({"E2B_API_KEY": key, "SANDBOX": "e2b"})
        return worst

    async def examine(self) -> Sequence[Finding]:
        return [finding async for finding in findings(self._environment())]
