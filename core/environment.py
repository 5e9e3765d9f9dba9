"""Settings of a function from its environment variables, all problems at once; and what it runs on."""

import math
import platform
from collections.abc import Mapping
from contextlib import closing
from typing import Any

TRUE = ("true", "1", "yes", "on")
FALSE = ("false", "0", "no", "off")


class ConfigurationError(ValueError):
    """Environment variables that cannot be used, a line each: name, value, what to write."""


class Variables:
    """Reads variables; an empty one counts as missing. Call `check` when all have been read."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """The value without surrounding white space."""
        return self._environ.get(name, "").strip() or default

    def needed(self, name: str, what: str) -> str:
        """The value; a problem if it is missing."""
        value = self.text(name)
        if not value:
            self._problems.append(f"{name} is missing: set it to {what}")
        return value

    def number(self, name: str, default: float | None = None, *, low: float = 0.0) -> float:
        """A finite number of at least `low`; a problem if it is missing and has no default."""
        text = self.text(name)
        try:
            value = float(text) if text or default is None else float(default)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < low:
            self._problems.append(f"{name} is {text or 'missing'!r}: write a number of at least {low:g}")
            return float(low)
        return value

    def whole(self, name: str, default: int | None = None, *, low: int = 0) -> int:
        """A whole number of at least `low`; a problem if it is missing and has no default."""
        value = self.number(name, default, low=low)
        if not value.is_integer():
            self._problems.append(f"{name} is {self.text(name)!r}: write a whole number of at least {low}")
        return int(value)

    def words(self, name: str) -> tuple[str, ...]:
        """A list with commas or blanks between, each word once, in its order."""
        return tuple(dict.fromkeys(self.text(name).replace(",", " ").split()))

    def flag(self, name: str, default: bool) -> bool:
        """true or false."""
        text = self.text(name).lower()
        if text and text not in TRUE + FALSE:
            self._problems.append(f"{name} is {text!r}: write true or false")
            return default
        return text in TRUE if text else default

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of `choices`."""
        text = self.text(name, default).lower()
        if text not in choices:
            self._problems.append(f"{name} is {text!r}: write one of {', '.join(choices)}")
            return default
        return text

    def problem(self, line: str) -> None:
        """Add a problem that the caller found."""
        self._problems.append(line)

    def check(self) -> None:
        """Raise ConfigurationError if any variable read so far could not be used."""
        if self._problems:
            raise ConfigurationError("\n".join(self._problems))


def runtime() -> dict[str, Any]:
    """Versions of Python and boto3, and whether full-text search and IfMatch, which are needed, are there."""
    import sqlite3

    import botocore
    import botocore.session

    put = botocore.session.get_session().get_service_model("s3").operation_model("PutObject")
    with closing(sqlite3.connect(":memory:")) as database:
        options = [row[0] for row in database.execute("PRAGMA compile_options")]
    return {
        "python": platform.python_version(),
        "botocore": botocore.__version__,
        "sqlite": sqlite3.sqlite_version,
        "fts5": "ENABLE_FTS5" in options,
        "if_match": "IfMatch" in put.input_shape.members,
    }
