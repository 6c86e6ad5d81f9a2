"""Between Linear, Jira, Slack or a chat and Solvebot: `python bridge.py 8091`. docs/integrations.md says how."""

import hashlib
import hmac
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

LABEL = "solve-me"
MOST_BYTES = 1_000_000
ISSUE = re.compile(r"https://[\w.-]+/[\w.-]+/[\w.-]+/issues/\d+")


class Wish(NamedTuple):
    """`key`: the same for the same message, however often it comes."""

    key: str
    title: str
    text: str


def from_linear(secret: bytes, headers: Mapping[str, str], body: bytes) -> Wish | None:
    """An issue that has just got the label. None: it is none, or not Linear's."""
    if not same(headers.get("Linear-Signature", ""), hmac.new(secret, body, hashlib.sha256).hexdigest()):
        return None
    told = json.loads(body)
    issue, before = told["data"], told.get("updatedFrom", {})
    labels = {label["name"]: label["id"] for label in issue.get("labels", [])}
    if told["type"] != "Issue" or LABEL not in labels or labels[LABEL] in before.get("labelIds", [labels[LABEL]]):
        return None
    return Wish(f"linear-{issue['id']}", issue["title"], f"{issue.get('description') or ''}\n\n{told.get('url', '')}")


def from_jira(secret: bytes, headers: Mapping[str, str], body: bytes) -> Wish | None:
    expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    if not same(headers.get("X-Hub-Signature", ""), expected):
        return None
    told = json.loads(body)
    changes = told.get("changelog", {}).get("items", [])
    labels = [each for each in changes if each["field"] == "labels"]
    if not any(LABEL in each["toString"].split() and LABEL not in each["fromString"].split() for each in labels):
        return None
    issue = told["issue"]
    return Wish(f"jira-{issue['key']}", issue["fields"]["summary"], issue["fields"].get("description") or "")


def from_slack(secret: bytes, headers: Mapping[str, str], body: bytes) -> Wish | None:
    at = headers.get("X-Slack-Request-Timestamp", "")
    expected = "v0=" + hmac.new(secret, b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    if not same(headers.get("X-Slack-Signature", ""), expected) or abs(time.time() - int(at)) > 300:
        return None
    said = parse_qs(body.decode())
    return spoken("slack", said["trigger_id"][0], said.get("text", [""])[0], said["user_name"][0])


def from_chat(secret: bytes, headers: Mapping[str, str], body: bytes) -> Wish | None:
    """Mattermost sends its token, and signs nothing: over TLS alone."""
    said = parse_qs(body.decode())
    if not same(said.get("token", [""])[0], secret.decode()):
        return None
    text = said["text"][0].removeprefix(said.get("trigger_word", [""])[0])
    return spoken("chat", said["post_id"][0], text, said["user_name"][0])


def spoken(where: str, id: str, text: str, who: str) -> Wish | None:
    title, _, rest = text.strip().partition("\n")
    return Wish(f"{where}-{id}", title[:250], f"{rest}\n\n{who} said so in {where}.") if title else None


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


FROM = {"/linear": from_linear, "/jira": from_jira, "/slack": from_slack, "/chat": from_chat}


def ask(wish: Wish) -> str:
    """What Solvebot says, in a sentence."""
    found = ISSUE.search(f"{wish.title} {wish.text}")
    described = {"repository": os.environ["BRIDGE_REPOSITORY"], "title": wish.title, "text": wish.text}
    asked: dict[str, Any] = {"issue": found[0]} if found else described
    request = Request(
        os.environ["SOLVEBOT_URL"].rstrip("/") + "/api/v1/solves",
        json.dumps(asked).encode(),
        {
            "Authorization": f"Bearer {os.environ['SOLVEBOT_TOKEN']}",
            "Content-Type": "application/json",
            "Idempotency-Key": wish.key,
        },
    )
    try:
        with urlopen(request, timeout=30) as answer:
            return f"Solvebot has it: {json.load(answer)['id']}"
    except HTTPError as error:
        problem = json.load(error)
        return f"Solvebot says no: {problem['title']}. {problem['remedy']}"


class Bridge(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), MOST_BYTES))
        read = FROM.get(self.path)
        wish = read(os.environ["BRIDGE_SECRET"].encode(), dict(self.headers), body) if read else None
        said = json.dumps({"text": ask(wish) if wish else "Nothing to do."}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(said)


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Bridge).serve_forever()
