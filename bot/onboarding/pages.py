"""What the browser asks and gets. Each answer is a page or leads to `/`, which shows the next step."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.core.operations.onboarding import Asked, Step, next_step
from bot.core.render import onboarding as render
from bot.core.trigger.app_manifest import Wish, filled_in, register_path, wrong_wish
from bot.doctor import conclusion
from bot.findings import Health
from bot.github.registration import manifest
from bot.onboarding.door import Door
from bot.onboarding.steps import Steps
from bot.ports import Denied, Gone, WorldError
from bot.settings import SettingsError

MOST_FORM = 16_384  # bytes
SIGNS = {Health.GOOD: "✓", Health.DOUBTFUL: "!", Health.BAD: "✗"}
Say = Callable[[str], None]
_Form = Mapping[str, str]


class Pages:
    """`say` is the terminal. `finished` is set when nothing is left to do."""

    def __init__(self, steps: Steps, door: Door, url: str, say: Say, file: str) -> None:
        self._steps = steps
        self._door = door
        self._url = url
        self._say = say
        self._file = file
        self._asked = Asked()
        self._wishes: dict[str, Wish] = {}  # by state
        self._told = ""
        self.finished = asyncio.Event()
        self.app = Starlette(
            routes=[
                Route("/", self._guarded(self._next)),
                Route("/registered", self._guarded(self._registered)),
                *(
                    Route(f"/{action.__name__.removeprefix('_')}", self._guarded(action), methods=["POST"])
                    for action in (self._register, self._move, self._replace, self._keys)
                ),
                Route("/go-on", self._guarded(self._go_on), methods=["POST"]),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
        )

    def _guarded(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            if self._door.admits(request.query_params.get("token", "")):
                response: Response = RedirectResponse("/", 303)
                self._door.mark(response)
                return response
            if not self._door.knows(request):
                return self._page(render.Page("Not here", render.wrong(render.USED)), status=403)
            return await self._answered(answer, request)

        return guarded

    async def _answered(self, answer: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
        """Trouble with the world or the settings is a page, too."""
        try:
            return await answer(request)
        except WorldError as error:
            return self._page(render.trouble(str(error), error.remedy), status=502)
        except SettingsError as error:
            return self._page(render.trouble("; ".join(error.problems)), status=500)
        except OSError:  # whose words name files
            return self._page(render.trouble(render.NOT_WRITABLE), status=500)

    def _page(self, page: render.Page, status: int = 200, after: BackgroundTask | None = None) -> Response:
        nonce = secrets.token_urlsafe(16)
        github = urlsplit(self._steps.server_url)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; base-uri 'none'; "
            f"frame-ancestors 'none'; form-action 'self' {github.scheme}://{github.netloc}"
        )
        headers = {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        return HTMLResponse(render.document(page, nonce), status, headers, background=after)

    # ---------------------------------------------------------------------------------------------------- the steps

    async def _next(self, _request: Request) -> Response:
        if self._asked.registers:
            return self._page(render.register(_a_name()))
        try:
            facts = await self._steps.facts()
        except (Denied, Gone) as error:
            return self._page(render.unusable(str(error)))
        match next_step(facts, self._asked):
            case Step.REGISTER:
                return self._page(render.register(_a_name()))
            case Step.REVIEW:
                return self._page(render.review(facts))
            case Step.INSTALL:
                return self._page(render.install(facts))
            case Step.KEYS:
                return self._page(render.keys(facts, self._steps.settings.model_url))
            case Step.EXAMINE:
                return await self._examined()

    async def _register(self, request: Request) -> Response:
        form = await _form_of(request)
        wish = Wish(*(form.get(name, "").strip() for name in ("name", "owner", "address")))
        if (problem := wrong_wish(wish)) is not None:
            return self._page(render.register(wish.name, problem), status=422)
        self._steps.check_file()
        if (await self._is_registered()) and not self._asked.registers:
            return RedirectResponse("/", 303)
        state = self._door.new_state()
        self._wishes[state] = wish
        action = f"{self._steps.server_url}{register_path(wish.owner)}?state={state}"
        return self._page(render.to_github(action, filled_in(manifest(), wish, f"{self._url}/registered")))

    async def _is_registered(self) -> bool:
        return bool(self._steps.settings.app_id)

    async def _registered(self, request: Request) -> Response:
        """GitHub sends the browser back."""
        state = request.query_params.get("state", "")
        if not self._door.take_state(state):
            return self._page(render.trouble(render.NOT_ASKED), status=400)
        made = await self._steps.register(request.query_params.get("code", ""), self._wishes.pop(state))
        self._asked = Asked(goes_on=True)
        self._say(render.registered(made.slug, self._file))
        return RedirectResponse("/", 303)

    async def _go_on(self, _request: Request) -> Response:
        self._asked = replace(self._asked, goes_on=True)
        return RedirectResponse("/", 303)

    async def _move(self, request: Request) -> Response:
        address = (await _form_of(request)).get("address", "").strip()
        if (problem := wrong_wish(Wish("any", address=address))) is not None:
            return self._page(render.review(await self._steps.facts(), problem), status=422)
        await self._steps.move_webhook(address)
        return RedirectResponse("/", 303)

    async def _replace(self, request: Request) -> Response:
        if (await _form_of(request)).get("sure") != "yes":
            return self._page(render.unusable(render.CONFIRM), status=422)
        self._asked = Asked(registers=True)
        return RedirectResponse("/", 303)

    async def _keys(self, request: Request) -> Response:
        form = await _form_of(request)
        model, e2b = form.get("model", "").strip(), form.get("e2b", "").strip()
        told: list[str] = []
        if model and (problem := await self._try_model(model, told)) is not None:
            return await self._keys_again(problem, told)
        if e2b:
            finding = await self._steps.try_e2b(e2b)
            if finding.health is not Health.GOOD:
                return await self._keys_again(f"E2B: {finding.found}. {finding.remedy}", told)
            told.append(render.kept_e2b(finding.found))
        for line in told:
            self._say(line)
        self._told = " ".join(told)
        self._asked = replace(self._asked, keys_are_fine=True)
        return RedirectResponse("/", 303)

    async def _try_model(self, key: str, told: list[str]) -> str | None:
        """What is wrong, or None and another line of what there is to tell."""
        try:
            tried = await self._steps.try_model(key)
        except WorldError as error:
            return f"{error} {error.remedy}".strip().replace(key, "***")
        if tried is None:
            return render.NO_PRICE
        told.append(render.answered(tried.model, tried.dollars))
        return None

    async def _keys_again(self, problem: str, told: list[str]) -> Response:
        facts = await self._steps.facts()
        page = render.keys(facts, self._steps.settings.model_url, " ".join(told), problem)
        return self._page(page, status=422)

    async def _examined(self) -> Response:
        found = await self._steps.examine()
        ready = all(finding.health is not Health.BAD for finding in found)
        lines = [render.Line(SIGNS[f.health], f.what, f.found, f.remedy) for f in found]
        page = render.examined(lines, conclusion(found), told=self._told, ready=ready)
        return self._page(page, after=BackgroundTask(self._finish) if ready else None)

    async def _finish(self) -> None:
        self._say(render.NEXT)
        self.finished.set()


def _a_name() -> str:
    """No two Apps on GitHub have the same."""
    return f"solvebot-{secrets.token_hex(3)}"


async def _form_of(request: Request) -> _Form:
    """Nothing larger than a form of ours is read."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_FORM:
            return {}
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=20))
