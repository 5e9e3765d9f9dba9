"""What runs here in place of a serving image: one table, looked up by a part of the image's name."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Program:
    """A program that keeps an image's contract on this machine."""

    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]


# part of the image's name → program. AWS's Large Model Inference container is told by "djl-inference".
PROGRAMS = {
    "djl-inference": Program((sys.executable, "-m", "serving"), (("PYTHONPATH", str(REPOSITORY)),)),
}


def program_for(image: str) -> Program | None:
    """The program for an image, None if there is none."""
    return next((program for part, program in PROGRAMS.items() if part in image), None)
