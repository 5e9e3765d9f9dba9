"""Settings of a function from its environment variables, all problems at once; and what it runs on."""

import platform
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from core.reading import Reader, flag, number, one_of, whole


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
        return float(self._read(name, number(low), default, low))

    def whole(self, name: str, default: int | None = None, *, low: int = 0) -> int:
        """A whole number of at least `low`; a problem if it is missing and has no default."""
        return int(self._read(name, whole(low), default, low))

    def words(self, name: str) -> tuple[str, ...]:
        """A list with commas or blanks between, each word once, in its order."""
        return tuple(dict.fromkeys(self.text(name).replace(",", " ").split()))

    def flag(self, name: str, default: bool) -> bool:
        """true or false."""
        return bool(self._read(name, flag, default, default))

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of `choices`."""
        return str(self._read(name, one_of(*choices), default, default))

    def _read(self, name: str, read: Reader, default: Any, otherwise: Any) -> Any:
        """What `read` reads of the variable; `otherwise`, with a problem, where it cannot be used."""
        text = self.text(name)
        if not text and default is not None:
            return default
        try:
            return read(text)
        except ValueError as fix:
            self._problems.append(f"{name} is {text or 'missing'!r}: {fix}")
            return otherwise

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
