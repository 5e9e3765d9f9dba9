"""What runs here in place of a serving image, by `[tool.localcloud.programs]` of pyproject.toml."""

from __future__ import annotations

import functools
import sys
import tomllib
from dataclasses import dataclass

from localcloud.environment import REPOSITORY


@dataclass(frozen=True)
class Program:
    """A program that keeps an image's contract on this machine."""

    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]


@functools.cache
def programs() -> dict[str, Program]:
    """Return the programs, by a part of the image's name; `python` is the interpreter of this cloud."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    table: dict[str, list[str]] = settings["tool"]["localcloud"]["programs"]
    return {
        part: Program(
            tuple(sys.executable if word == "python" else word for word in argv),
            (("PYTHONPATH", str(REPOSITORY)),),
        )
        for part, argv in table.items()
    }


def program_for(image: str) -> Program | None:
    """Return the program for an image, None if there is none."""
    return next((program for part, program in programs().items() if part in image), None)
