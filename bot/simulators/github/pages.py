"""What a person clicks through, signed in as octocat: an App from a manifest, and its installation."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.simulators.github.actions import apps, repositories
from bot.simulators.github.stage import Stage
from bot.simulators.github.state import AccountType

SIGNED_IN = "octocat"
SLUG = "/apps/{slug}/installations/new"


class Pages:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.routes = [
            Route("/settings/apps/new", self.new_app, methods=["POST"]),
            Route("/organizations/{owner}/settings/apps/new", self.new_app, methods=["POST"]),
            Route("/settings/apps", self.create_app, methods=["POST"]),
            Route(SLUG, self.new_installation, methods=["GET"]),
            Route("/favicon.ico", self.no_icon, methods=["GET"]),
            Route(SLUG, self.install, methods=["POST"]),
            Route("/_logs/{repository:int}/{job:int}", self.job_log, methods=["GET"]),
        ]

    async def job_log(self, request: Request) -> Response:
        """On GitHub this is another company's storage: no token may come with the request."""
        if "authorization" in request.headers:
            self._stage.state.errors.append("a token was sent to where logs are stored")
        repo = self._stage.state.repositories[request.path_params["repository"]]
        return PlainTextResponse(repo.check_runs[request.path_params["job"]].log)

    async def new_app(self, request: Request) -> Response:
        """The manifest is checked, and the name may be changed."""
        owner = request.path_params.get("owner", SIGNED_IN)
        text = (await _form(request)).get("manifest", "")
        try:
            manifest = apps.read_manifest(text)
        except apps.WrongManifest as error:
            return _page(escape(str(error)), status=422)
        hidden = {"manifest": text, "state": request.query_params.get("state", ""), "owner": owner}
        name = f'<input name="name" value="{escape(manifest.get("name", ""))}">'
        return _page(_form_of("/settings/apps", hidden, f"Create GitHub App for {owner}", name))

    async def create_app(self, request: Request) -> Response:
        form = await _form(request)
        manifest = apps.read_manifest(form["manifest"])
        kind = AccountType.USER if form["owner"] == SIGNED_IN else AccountType.ORGANIZATION
        owner = self._stage.state.account(form["owner"], kind)
        code = apps.create(self._stage, manifest, form["name"], owner)
        query = {"code": code} | ({"state": form["state"]} if form.get("state") else {})
        return RedirectResponse(f"{manifest['redirect_url']}?{urlencode(query)}", 302)

    async def no_icon(self, _request: Request) -> Response:
        """Browsers ask for one."""
        return Response(status_code=204)

    async def new_installation(self, request: Request) -> Response:
        return _page(_form_of(request.url.path, {}, "Install")) if self._is_ours(request) else _page("404", status=404)

    async def install(self, request: Request) -> Response:
        """A private App can be installed on its owner's account only."""
        if not self._is_ours(request):
            return _page("404", status=404)
        owner, by = self._stage.app.owner, self._stage.state.account(SIGNED_IN)
        repositories.install(self._stage, owner, by, None)
        return _page(f"{escape(self._stage.app.name)} was installed on {escape(owner.login)}.")

    def _is_ours(self, request: Request) -> bool:
        return bool(request.path_params["slug"] == self._stage.app.slug)


async def _form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}


def _form_of(action: str, hidden: dict[str, str], button: str, more: str = "") -> str:
    inputs = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in hidden.items())
    return f'<form method="post" action="{escape(action)}">{inputs}{more}<button>{escape(button)}</button></form>'


def _page(body: str, status: int = 200) -> Response:
    return HTMLResponse(f"<!doctype html><title>GitHub, simulated</title>{body}", status)
