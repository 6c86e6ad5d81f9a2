"""How GitHub says no. Raised anywhere, told to clients as JSON and to people as an exception."""

from __future__ import annotations

from bot.simulators.github.state import Json

DOCUMENTATION = "https://docs.github.com/rest"


class Refusal(Exception):
    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: list[Json] | None = None,
        headers: dict[str, str] | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(f"{status} {message} {errors or ''}")
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = headers or {}
        self.url = url  # where it moved to

    @property
    def body(self) -> Json:
        body: Json = {"message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        if self.url is not None:
            body["url"] = self.url
        return body | {"documentation_url": DOCUMENTATION, "status": str(self.status)}


def not_found() -> Refusal:
    return Refusal(404, "Not Found")


def forbidden(message: str) -> Refusal:
    return Refusal(403, message)


def unprocessable(message: str) -> Refusal:
    return Refusal(422, message)


def moved(status: int, url: str) -> Refusal:
    words = {301: "Moved Permanently", 307: "Temporary Redirect"}[status]
    return Refusal(status, words, headers={"Location": url}, url=url)


def invalid(resource: str, field: str | None, code: str, message: str | None = None) -> Refusal:
    """422 in the shape of GitHub's validation errors. `code` is missing_field, invalid, already_exists, custom, ..."""
    error: Json = {"resource": resource, "code": code}
    if field is not None:
        error["field"] = field
    if message is not None:
        error["message"] = message
    return Refusal(422, "Validation Failed", errors=[error])
