"""How the text of a setting is read, by the type of its field. A `ValueError` ends the sentence "NAME is ..."."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.declared_settings import Secret


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{text!r}, expected a number") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{text!r}, expected a number")
    return value


def _whole(text: str) -> int:
    if not text.lstrip("-").isascii() or not text.lstrip("-").isdigit():
        raise ValueError(f"{text!r}, expected a whole number")
    return int(text)


def _truth(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"{text!r}, expected true or false")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _path(text: str) -> Path:
    """Without a shell in between, nobody else says what ~ is."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{text!r}, and nobody knows whose home that is") from None


def _directories(text: str) -> tuple[Path, ...]:
    paths = tuple(_path(part) for part in text.split(":") if part)
    for path in paths:
        if not path.is_absolute() or not path.is_dir():
            raise ValueError(f"{str(path)!r}, which is not the absolute path of a directory")
    return paths


def _secret(text: str) -> Secret:
    """Text as it is; a PEM may also come in base64, with \\n for its line ends, or as the path of its file."""
    if "\\n" in text:
        text = text.replace("\\n", "\n")
    if text.startswith("LS0tLS1CRUdJTi"):  # "-----BEGIN " in base64
        try:
            text = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError("not readable as base64") from None
    elif text.endswith(".pem"):
        path = _path(text)
        try:
            text = path.read_text()
        except OSError as error:
            raise ValueError(f"{str(path)!r}, a file that cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise ValueError(f"{str(path)!r}, a file that is no text") from None
    return Secret(text)


READERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    int: _whole,
    float: _number,
    bool: _truth,
    Path: _path,
    Path | None: _path,
    Secret: _secret,
    tuple[str, ...]: _words,
    tuple[Path, ...]: _directories,
    tuple[Secret, ...]: lambda text: tuple(Secret(word) for word in _words(text)),
}
