"""What the API answers instead of what was asked for: what is wrong, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.access import Verdict
from bot.core.model import Permission


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document (RFC 9457). `kind` is the last part of its type, and stays the same for good."""

    status: int
    kind: str
    title: str
    detail: str
    remedy: str


def not_allowed(verdict: Verdict, needed: Permission, has: Permission) -> Problem:
    match verdict:
        case Verdict.SIGN_IN:
            remedy = "Send `Authorization: Bearer <token>`. A token is made on the page /tokens."
            return Problem(401, "not-signed-in", "Nobody is signed in", "There is no valid access token.", remedy)
        case Verdict.SCOPE:
            detail = "The token may not be used for this."
            return Problem(403, "scope", "The token lacks a scope", detail, "Make a token with the scope for it.")
        case Verdict.ROBOT:
            return Problem(403, "robot", "Robots may not ask", "This is the account of a robot.", "Ask as a person.")
        case Verdict.PERMISSION:
            detail = f"This needs {needed.value} permission in the repository, and yours is {has.value}."
            return Problem(403, "permission", "Permission is missing", detail, "Ask a maintainer of the repository.")
    remedy = "The operator names administrators in ADMINS."
    return Problem(403, "not-admin", "For administrators", "You are not an administrator of this bot.", remedy)


def not_found() -> Problem:
    remedy = "Look at the id. What you may not read is answered like this, too."
    return Problem(404, "not-found", "Not found", "There is no such thing, or you may not see it.", remedy)


def bad_cursor() -> Problem:
    remedy = "Use `next` of the page before as it is, or begin without one."
    return Problem(422, "bad-cursor", "No such page", "The cursor is none that was given out.", remedy)


def invalid(detail: str) -> Problem:
    return Problem(422, "invalid", "The request is not valid", detail, "Compare it with /api/v1/docs.")


def no_such_route(status: int) -> Problem:
    if status == 405:
        remedy = "The header `Allow` names the methods that it knows."
        return Problem(405, "method", "Not with this method", "This address does not know the method.", remedy)
    return not_found()


def bad_request() -> Problem:
    detail = "The request cannot be read."
    return Problem(400, "unreadable", "Unreadable", detail, "Send JSON in UTF-8, with its Content-Type.")


def too_large(most: int) -> Problem:
    return Problem(413, "too-large", "Too large", f"The body is larger than {most:,} bytes.", "Send less.")


def too_many(seconds: int) -> Problem:
    detail = "You have asked more often than is allowed."
    return Problem(429, "too-many", "Too many requests", detail, f"Wait {seconds} s, as the header Retry-After says.")


def away(remedy: str) -> Problem:
    detail = "Something that is needed for this does not answer at the moment."
    return Problem(503, "unavailable", "Not available", detail, remedy or "Try again in a minute.")


def broke(incident: str) -> Problem:
    detail = f"Something broke on our side. In the log it is {incident}."
    return Problem(500, "broke", "That is our fault", detail, "Tell the operator of this bot.")


def key_reused() -> Problem:
    detail = "The same Idempotency-Key came with another request before."
    return Problem(409, "key-reused", "The key was used before", detail, "Use a new one for each request.")


def no_issue() -> Problem:
    remedy = "Give the address of an issue in the repository: https://github.com/owner/name/issues/7"
    return Problem(422, "no-issue", "No such issue", "There is no issue at that address.", remedy)


def bad_option(what: str, remedy: str) -> Problem:
    return Problem(422, "option", "An option is wrong", what, remedy)


def no_pull_request() -> Problem:
    detail = "The solve has no pull request."
    return Problem(409, "no-pull-request", "There is no pull request", detail, "Look at what became of the solve.")


def unfit_configuration(detail: str) -> Problem:
    remedy = "`POST /repositories/{id}/configuration/check` says whether a text is fit."
    return Problem(422, "unfit-configuration", "Not proposed", detail, remedy)
