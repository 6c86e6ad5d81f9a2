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
input:not([type=checkbox]){width:100%;padding:.4rem;font:inherit}
button{margin-top:1.2rem;padding:.5rem 1.2rem;font:inherit;cursor:pointer}small{color:#59636e}
.wrong{border-left:4px solid #cf222e;padding-left:.8rem}.well{border-left:4px solid #1a7f37;padding-left:.8rem}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}small{color:#9198a1}a{color:#4493f8}}"""
LABEL = "solve-me"
NOT_WRITABLE = "The settings file cannot be written here. Start `solvebot setup` in a directory that you may write to."
USED = (
    "This address was opened already, and is good for one browser only. "
    "Go on there, or press Ctrl-C at the terminal and start `solvebot setup` again."
)
NOT_ASKED = "GitHub sent an answer that nobody here waits for. Nothing was changed. Begin at the first page."
NO_PRICE = "No model of this provider has a price. Add one with `solvebot models add`, then try the key again."
CONFIRM = "Tick the box first: the settings file will name the new App, and the old one will no longer be answered."

REPLACE = """<h2>Register another App instead</h2><form method="post" action="/replace">
<label><input type="checkbox" name="sure" value="yes"> The settings shall name the new App. The old one, its key file
and its installations stay where they are.</label><button>Register another one</button></form>"""


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    body: str  # HTML
    refresh: int = 0  # seconds after which it is loaded again; 0: never
    submits: bool = False  # its first form, at once


def document(page: Page, nonce: str) -> str:
    refresh = f'<meta http-equiv="refresh" content="{page.refresh}">' if page.refresh else ""
    script = f'<script nonce="{nonce}">document.forms[0].submit()</script>' if page.submits else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(page.title)} · Solvebot</title>'
        f'<meta name="viewport" content="width=device-width">{refresh}<style nonce="{nonce}">{STYLE}</style>'
        f"<main><h1>{escape(page.title)}</h1>{page.body}</main>{script}</html>"
    )


def wrong(text: str) -> str:
    return f'<p class="wrong" role="alert">{escape(text)}</p>' if text else ""


def register(name: str, problem: str = "") -> Page:
    body = f"""{wrong(problem)}
<p>This registers a GitHub App of your own. GitHub shows what it may do and asks you once more; then it sends you back
here, and the App's key and secrets are written to the settings file on this machine. They go nowhere else.</p>
<form method="post" action="/register">
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
<p><button>Register on GitHub</button></p></form>"""
    return Page("Register the App", body)


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
{REPLACE}"""
    return Page("The App that is there", body)


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
    is_there = "Empty: the key that is in the settings." if facts.has_model_key else "It is tried with one cheap call."
    body = f"""{wrong(problem)}{f'<p class="well">{escape(told)}</p>' if told else ""}
<p class="well">{escape(facts.slug)} is installed on {escape(", ".join(facts.installed_on))}.</p>
<form method="post" action="/keys"><label for="model">Key for the models at {escape(model_url)}</label>
<input id="model" name="model" type="password" autocomplete="off" autofocus{"" if facts.has_model_key else " required"}>
<small>{is_there}</small><label for="e2b">Key for E2B</label>
<input id="e2b" name="e2b" type="password" autocomplete="off">
<small>Optional: sandboxes as a service. Empty: sandboxes on this machine.</small>
<p><button>Try and keep</button></p></form>"""
    return Page("Keys", body)


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


def answered(model: str, price: float) -> str:
    return f"{model} answered; that cost {dollars(price)}."


def kept_e2b(found: str) -> str:
    return f"E2B: {found}."
