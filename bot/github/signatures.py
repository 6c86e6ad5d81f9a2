"""Who sent this? Verification comes first and its result is a type, so nothing can read a body that was not verified.

What is read from the App's list of deliveries needs no signature: there GitHub is asked, over TLS and with the App's
key.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass

_PROOF = object()
_SIGNATURE = re.compile(rb"sha256=[0-9a-f]{64}")
_NO_MATCH = "the signature does not match the webhook secret"
_NAME = re.compile(rb"[A-Za-z0-9_-]{1,100}")


class BadSignature(Exception):
    """Nobody we know sent this. `why` may be told to the sender."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Malformed(Exception):
    """GitHub's headers are not there, or not theirs. `why` may be told to the sender."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Delivery:
    """Bytes we know GitHub sent. Only `verify` and `told_by_github` make one, so no other body can be read."""

    guid: str
    event: str
    body: bytes
    proof: InitVar[object]

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("only verify() and told_by_github() make a Delivery")


def verify(secrets: Sequence[bytes], headers: Mapping[bytes, bytes], body: bytes) -> Delivery:
    """Check HMAC-SHA256 over the raw body (docs.github.com, "Validating webhook deliveries").

    `headers` have lower-case names, as ASGI gives them. Several secrets are for rotation: any of them fits.
    Compared as bytes: `compare_digest` raises on text outside ASCII. Raises `BadSignature` and, only for a body that
    is GitHub's, `Malformed`.
    """
    signature = check_signature(headers)
    if not any(_fits(secret, body, signature) for secret in secrets):
        raise BadSignature(_NO_MATCH)
    return Delivery(_name(headers, b"x-github-delivery"), _name(headers, b"x-github-event"), body, _PROOF)


def told_by_github(guid: str, event: str, payload: bytes) -> Delivery:
    """From the answer to a question of ours. Raises `Malformed`."""
    names = {b"guid": guid.encode(errors="replace"), b"event": event.encode(errors="replace")}
    return Delivery(_name(names, b"guid"), _name(names, b"event"), payload, _PROOF)


def check_signature(headers: Mapping[bytes, bytes]) -> bytes:
    """The signature, when some body could have it. Raises `BadSignature`."""
    signature = headers.get(b"x-hub-signature-256")
    if signature is not None and _SIGNATURE.fullmatch(signature):
        return signature
    if signature is None:
        raise BadSignature("X-Hub-Signature-256 is missing: does the App have a webhook secret?")
    if not signature.startswith(b"sha256="):
        raise BadSignature("X-Hub-Signature-256 does not start with sha256=")
    raise BadSignature(_NO_MATCH)


def _fits(secret: bytes, body: bytes, signature: bytes) -> bool:
    return hmac.compare_digest(b"sha256=" + hmac.digest(secret, body, "sha256").hex().encode(), signature)


def _name(headers: Mapping[bytes, bytes], header: bytes) -> str:
    value = headers.get(header, b"")
    if not _NAME.fullmatch(value):
        raise Malformed(f"{header.decode()} is missing or not a name")
    return value.decode("ascii")
