"""The pages of `solvebot setup`, and what the terminal says meanwhile. Everything that is not ours is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bot.core.operations.onboarding import Facts
from bot.core.render.text import dollars
from bot.core.trigger.app_manifest import LONGEST_NAME

STYLE = """body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#1f2328}
label{display:block;margin:1rem 0 .2rem;font-weight:600}
input:not([type=checkbox]),textarea{width:100%;padding:.4rem;font:inherit}
button{margin-top:1.2rem;padding:.5rem 1.2rem;font:inherit;cursor:pointer}small{color:#59636e}
.wrong{border-left:4px solid #cf222e;padding-left:.8rem}.well{border-left:4px solid #1a7f37;padding-left:.8rem}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}small{color:#9198a1}a{color:#4493f8}}"""
SUBMIT = "document.forms[0].submit()"
WAIT = "document.forms[0].addEventListener('submit',()=>setTimeout(()=>location.replace('/waiting'),500))"
LABEL = "solve-me"
NOT_WRITABLE = "The settings file cannot be written here. Start `solvebot setup` in a directory that you may write to."
USED = (
    "This address was opened already, and is good for one browser only. "
    "Go on there, or press Ctrl-C at the terminal and start `solvebot setup` again."
)
NOT_ASKED = "GitHub sent an answer that nobody here waits for. Nothing was changed. Begin at the first page."
NO_PRICE = "No model of this provider has a price. Add one with `solvebot models add`, then try the key again."
CONFIRM = "Tick the box first: the settings file will name the new App, and the old one will no longer be answered."

WEBHOOK, TELL, FORGET = "new-webhook-secret", "tell-webhook-secret", "forget-webhook-secret"
PRIVATE_KEY, CLIENT_SECRET = "private-key", "client-secret"
NOT_TOLD = "There is no other webhook secret in the settings. Make a new one first."
NO_PEM = "That is no private key: the whole file is wanted, from -----BEGIN to -----END."
OTHER_KEY = "GitHub does not take this key for this App. The old one was kept."
NO_SECRET = "That is no client secret: one line of letters and digits is wanted."
NOTHING_ASKED = "Nothing was changed: what to rotate was not said."
ROTATED = {
    WEBHOOK: "A new webhook secret is in the settings, beside the old one. Start `solvebot` again, then tell GitHub.",
    TELL: "GitHub signs with the other webhook secret from now on.",
    FORGET: "The settings know only the webhook secret that GitHub uses. Start `solvebot` again.",
    PRIVATE_KEY: "The new private key is in the settings. Start `solvebot` again, then delete the old one at GitHub.",
    CLIENT_SECRET: "The new client secret is in the settings. Start `solvebot` again, then delete the old one.",
}

REPLACE = """<h2>Register another App instead</h2><form method="post" action="/replace">
<label><input type="checkbox" name="sure" value="yes"> The settings shall name the new App. The old one, its key file
and its installations stay where they are.</label><button>Register another one</button></form>"""


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    body: str  # HTML
    refresh: int = 0  # seconds after which it is loaded again; 0: never
    submits: bool = False  # its first form, at once
    leads_away: bool = False  # its first form, into another tab: this one shows what comes next


def document(page: Page, nonce: str) -> str:
    refresh = f'<meta http-equiv="refresh" content="{page.refresh}">' if page.refresh else ""
    script = f'<script nonce="{nonce}">{SUBMIT if page.submits else WAIT}</script>'
    script = script if page.submits or page.leads_away else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(page.title)} · Solvebot</title>'
        f'<meta name="viewport" content="width=device-width">{refresh}<style nonce="{nonce}">{STYLE}</style>'
        f"<main><h1>{escape(page.title)}</h1>{page.body}</main>{script}</html>"
    )


def wrong(text: str) -> str:
    return f'<p class="wrong" role="alert">{escape(text)}</p>' if text else ""


def register(name: str, model_url: str, problem: str = "", *, has_model_key: bool = False) -> Page:
    body = f"""{wrong(problem)}
<p>This registers a GitHub App of your own. GitHub shows what it may do and asks you once more; then it sends you back
here, and the App's key and secrets are written to the settings file on this machine. They go nowhere else.</p>
<form method="post" action="/register" target="solvebot-github">
<label for="name">Name of the App</label>
<input id="name" name="name" value="{escape(name)}" maxlength="{LONGEST_NAME}" required autofocus>
<small>People see it beside its comments. No two Apps on GitHub have the same name.</small>
<label for="owner">Organisation</label><input id="owner" name="owner" value="" autocomplete="off">
<small>Whose repositories it works on. Empty: your own account.</small>
<label for="address">Public address of this machine</label>
<input id="address" name="address" value="" placeholder="https://solvebot.example.com">
<small>Where GitHub can reach it, over HTTPS: a reverse proxy, or a tunnel of your choice, in front of
<code>solvebot serve</code>. Empty: this machine asks GitHub every 15 seconds instead, which works behind any router
and is a little slower.</small>
{_key_fields(model_url, has_model_key)}
<p><button>Register on GitHub</button></p></form>"""
    return Page("Register the App", body, leads_away=True)


def at_github() -> Page:
    body = """<p>Go on in the other tab: GitHub asks you to create the App, and then where to install it. This page
waits for both, and goes on by itself.</p>
<p><small>Is there no other tab, or was it closed? <a href="/again">Begin again.</a></small></p>"""
    return Page("At GitHub", body, refresh=2)


def to_github(action: str, manifest: str) -> Page:
    body = f"""<p>On to GitHub, which shows what the App may do.</p>
<form method="post" action="{escape(action)}"><input type="hidden" name="manifest" value="{escape(manifest)}">
<button>Go on to GitHub</button></form>"""
    return Page("On to GitHub", body, submits=True)


def review(facts: Facts, problem: str = "") -> Page:
    where = facts.address or "nowhere; this machine asks every 15 seconds"
    body = f"""{wrong(problem)}
<p>There is an App in the settings already: <a href="{escape(facts.page)}">{escape(facts.slug)}</a>. Its deliveries go
to: {escape(where)}. Nothing of it is changed unless you say so.</p>
<form method="post" action="/go-on"><button>Go on with this App</button></form>
<h2>Change where deliveries go</h2><form method="post" action="/move">
<label for="address">Public address of this machine</label>
<input id="address" name="address" value="{escape(facts.address)}" placeholder="https://solvebot.example.com">
<small>Empty: none; this machine asks GitHub every 15 seconds.</small><p><button>Change it</button></p></form>
<h2>Rotate a secret</h2>{_rotation(facts)}
{REPLACE}"""
    return Page("The App that is there", body)


def _rotation(facts: Facts) -> str:
    """Step by step, so that old and new are both accepted until the old one is used no more."""
    page = escape(facts.page)
    of_webhook = (
        _button(WEBHOOK, "Make a new webhook secret")
        if facts.webhook_secrets < 2
        else _button(TELL, "Switch GitHub to the other one")
        + _button(FORGET, "Forget the one that GitHub does not use")
    )
    return f"""<p>The webhook secret: a new one is written beside the old. Start <code>solvebot</code> again, and both
are accepted; then switch GitHub over; then forget the old one, and start again once more.</p>
{of_webhook}
<p>GitHub makes private keys and client secrets only on <a href="{page}">the App's page</a>. Paste the new one here: a
key is tried before it is kept. Start <code>solvebot</code> again, then delete the old one there.</p>
{_field(PRIVATE_KEY, "New private key")}{_field(CLIENT_SECRET, "New client secret")}
<p>Keys of models and of E2B: go on with this App; the page after the next asks for them.</p>"""


def _button(what: str, label: str) -> str:
    return (
        f'<form method="post" action="/rotate"><input type="hidden" name="what" value="{what}">'
        f"<button>{label}</button></form>"
    )


def _field(what: str, label: str) -> str:
    return (
        f'<form method="post" action="/rotate"><input type="hidden" name="what" value="{what}">'
        f'<label for="{what}">{label}</label><textarea id="{what}" name="value" rows="2" required></textarea>'
        "<button>Try and keep</button></form>"
    )


def unusable(problem: str) -> Page:
    """The App in the settings is not one that GitHub knows."""
    return Page("The App that is there", f'{wrong(problem)}<p><a href="/">Look again</a></p>{REPLACE}')


def install(facts: Facts) -> Page:
    body = f"""<p class="well">{escape(facts.slug)} is registered, and its key is on this machine.</p>
<p>Now install it on the repositories that it shall work on:</p>
<p><a href="{escape(facts.page)}/installations/new" target="_blank" rel="noopener">Install {escape(facts.slug)}</a></p>
<p>This page waits for it, and goes on by itself.</p>"""
    return Page("Install the App", body, refresh=3)


def keys(facts: Facts, model_url: str, told: str = "", problem: str = "") -> Page:
    body = f"""{wrong(problem)}{f'<p class="well">{escape(told)}</p>' if told else ""}
<p class="well">{escape(facts.slug)} is installed on {escape(", ".join(facts.installed_on))}.</p>
<form method="post" action="/keys">{_key_fields(model_url, facts.has_model_key)}
<p><button>Try and keep</button></p></form>"""
    return Page("Keys", body)


def _key_fields(model_url: str, has_model_key: bool) -> str:
    is_there = "Empty: the key that is in the settings." if has_model_key else "It is tried with one cheap call."
    return f"""<label for="model">Key for the models at {escape(model_url)}</label>
<input id="model" name="model" type="password" autocomplete="off"{"" if has_model_key else " required"}>
<small>{is_there}</small><label for="e2b">Key for E2B</label>
<input id="e2b" name="e2b" type="password" autocomplete="off">
<small>Optional: sandboxes as a service. Empty: sandboxes on this machine.</small>"""


@dataclass(frozen=True, slots=True)
class Line:
    """A finding of the doctor: is it well, what was looked at, what was found, what to do."""

    sign: str
    what: str
    found: str
    remedy: str


def examined(lines: Sequence[Line], conclusion: str, *, told: str, ready: bool) -> Page:
    shown = "".join(
        f"<li>{line.sign} <b>{escape(line.what)}</b>: {escape(line.found)}"
        f"{f'<br><small>{escape(line.remedy)}</small>' if line.remedy else ''}</li>"
        for line in lines
    )
    last = f"<p>{escape(NEXT)}</p>" if ready else '<p><a href="/">Look again</a></p>'
    well = f'<p class="well">{escape(told)}</p>' if told else ""
    return Page("Done" if ready else "Nearly done", f"{well}<p><b>{escape(conclusion)}</b></p>{last}<ul>{shown}</ul>")


def trouble(text: str, remedy: str = "") -> Page:
    return Page("That did not work", f'{wrong(text)}<p>{escape(remedy)}</p><p><a href="/">Go on</a></p>')


# ------------------------------------------------------------------------------------------------------- the terminal

NEXT = f"Start `solvebot serve`, and label an issue {LABEL}."


def address(url: str, port: int) -> str:
    return (
        f"Open this address in a browser; it is good once:\n\n  {url}\n\nIs the browser on another machine? "
        f"There: ssh -L {port}:127.0.0.1:{port} THIS-MACHINE, then the same address.\nCtrl-C ends this; what was done "
        "stays, and `solvebot setup` goes on from there."
    )


def overruled(names: Sequence[str]) -> str:
    them = ", ".join(names)
    return f"{them}: set in the environment, which is stronger than the settings file. Unset it to use what is written."


def registered(slug: str, file: str) -> str:
    return f"{slug} is registered; key and secrets are in {file} and beside it."


def rotated(what: str) -> str:
    return ROTATED.get(what, NOTHING_ASKED)


def answered(model: str, price: float) -> str:
    return f"{model} answered; that cost {dollars(price)}."


def kept_e2b(found: str) -> str:
    return f"E2B: {found}."
