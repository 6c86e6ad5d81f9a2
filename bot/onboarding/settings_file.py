""".env and the private key beside it, for nobody but their owner. All of a change is written, or nothing."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from dotenv import set_key

_OWNERS = 0o600
_PLAIN = re.compile(r"[\w./:@,+-]*", re.ASCII)  # without quotes, which `docker run --env-file` would keep
_MOST_KEYS = 1000


class SettingsFile:
    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def check(self) -> None:
        """Raises `OSError` where nothing can be written. What GitHub shows once must not be lost for that."""
        with NamedTemporaryFile(dir=self.path.parent):
            pass

    def write(self, values: Mapping[str, str]) -> None:
        """Lines of other settings stay as they are. Raises `OSError`."""
        with NamedTemporaryFile(dir=self.path.parent, prefix=".env-", delete=False) as made:  # readable by us alone
            draft = Path(made.name)
        try:
            if self.path.exists():
                shutil.copyfile(self.path, draft)
            for name, value in values.items():
                set_key(draft, name, value, quote_mode="never" if _PLAIN.fullmatch(value) else "always")
            draft.chmod(_OWNERS)
            _to_the_disk(draft)
            draft.replace(self.path)
        finally:
            draft.unlink(missing_ok=True)

    def write_key(self, slug: str, pem: str) -> Path:
        """Beside it, never over another one. Raises `OSError`."""
        for number in range(_MOST_KEYS):
            name = f"{slug}.private-key.pem" if not number else f"{slug}-{number}.private-key.pem"
            path = self.path.with_name(name)
            try:
                opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNERS)
            except FileExistsError:
                continue
            with os.fdopen(opened, "w") as file:
                file.write(pem)
            _to_the_disk(path)
            return path
        raise FileExistsError(f"{self.path.parent} is full of keys of {slug}")


def _to_the_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
