"""The shipped items, written for this project: see README.md for how, and for their limits."""

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from core.dataset import Question
from core.dataset.questions import questions_of


def records(name: str) -> list[dict[str, Any]]:
    """The records of a shipped file: JSON lines, or an array."""
    text = _text(name)
    found: list[dict[str, Any]] = (
        [json.loads(line) for line in text.splitlines()] if name.endswith(".jsonl") else json.loads(text)
    )
    return found


@cache
def questions(name: str) -> tuple[Question, ...]:
    """The questions of a shipped file in the formats of a dataset's own questions."""
    return tuple(
        question
        for number, record in enumerate(records(name), start=1)
        for question in questions_of(record, source=name, number=number)
    )


@cache
def paragraphs(name: str) -> tuple[str, ...]:
    """The paragraphs of a shipped text, divided by blank lines."""
    return tuple(block.strip() for block in _text(name).split("\n\n") if block.strip())


def chosen(among: Sequence[Question], limit: int, seed: int) -> tuple[Question, ...]:
    """At most ``limit`` questions (-1 = all), in their order; by a keyed hash, so the same in every run."""
    if limit == -1 or len(among) <= limit:
        return tuple(among)
    key = seed.to_bytes(8, "big")
    ranks = [hashlib.blake2b(f"{q.source}\0{q.id}".encode(), key=key).digest() for q in among]
    kept = set(sorted(range(len(among)), key=lambda i: ranks[i])[:limit])
    return tuple(question for i, question in enumerate(among) if i in kept)


def _text(name: str) -> str:
    return (resources.files("training.evaluation.items") / name).read_text(encoding="utf-8")
