"""Takes what Solvebot tells, and prints a line for each: `NOTIFY_SECRET=... python receiver.py 8090`."""

import hashlib
import hmac
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

MOST_BYTES = 1_000_000


def is_ours(secret: str, body: bytes, signature: str) -> bool:
    """Whether who sent this knows the secret. Looked at before anything in the body is believed."""
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())


class Receiver(BaseHTTPRequestHandler):
    seen: ClassVar[set[str]] = set()  # the same may be told twice; keep this in your database

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), MOST_BYTES))
        if not is_ours(os.environ["NOTIFY_SECRET"], body, self.headers.get("X-Hub-Signature-256", "")):
            self.send_error(401)
            return
        told = json.loads(body)
        if told["delivery"] not in self.seen:
            self.seen.add(told["delivery"])
            solve = told["solve"]
            print(told["event"], solve["repository"], f"#{solve['issue']}", solve["pull_request"], flush=True)
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
