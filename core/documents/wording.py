"""Words: their stems, those that do not count, and finance's several names for one thing."""

import json
import re
from functools import cache
from pathlib import Path

NAMES = Path(__file__).with_name("names.json")
STOP = frozenset(Path(__file__).with_name("stop_words.txt").read_text(encoding="utf-8").split())
_WORD = re.compile(r"[A-Za-z][A-Za-z&]*(?:[’'][a-z]+)?|\d+(?:\.\d+)?")


_ENDINGS = {"ies": "y", "sses": "ss", "xes": "x", "ches": "ch", "ing": "", "ed": "", "s": ""}
_UNITED_STATES = re.compile(r"\bU\.?\s?S\.(?:\s?A\.)?|\bU\s?SA?\b|\bUnited\s+States\b")

COUNTRIES = dict(
    line.split(" ", 1) for line in Path(__file__).with_name("countries.txt").read_text("utf-8").splitlines()
)
"""Countries by their codes in ISO 3166, as XBRL's members name them."""


def stem(word: str) -> str:
    """A word without the endings that make no other word of it."""
    word = word.lower().replace("’", "'").removesuffix("'s").removesuffix("s'")
    for ending, rest in _ENDINGS.items():
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith(("ss", "us", "is")):
            word = word[: -len(ending)] + rest
            break
    return word.removesuffix("e") if len(word) > 4 else word


def words(text: str) -> list[str]:
    """The words of a text; CamelCase names come apart, and U.S. is a word."""
    spread = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    return _WORD.findall(_UNITED_STATES.sub("Unitedstates", spread))


def stems(text: str) -> frozenset[str]:
    """The stems of the words that count."""
    return frozenset(sequence(text))


def sequence(text: str) -> tuple[str, ...]:
    """The stems of the words that count, in their order."""
    return tuple(stem(word) for word in words(text) if word.lower() not in STOP)


def counted(text: str) -> frozenset[str]:
    """The stems of the words that count, where a second "cash" is another word than the first."""
    return frozenset(
        f"{each}#{times}" if (times := found[: place + 1].count(each)) > 1 else each
        for found in [sequence(text)]
        for place, each in enumerate(found)
    )


@cache
def synonyms() -> dict[str, tuple[frozenset[str], ...]]:
    """The names of each concept, as stems, by the concept."""
    found: dict[str, tuple[frozenset[str], ...]] = {}
    for entry in _entries():
        named = tuple(counted(name) for name in entry["names"])
        for concept in entry["concepts"]:
            found[concept] = named
    return found


@cache
def groups() -> tuple[tuple[frozenset[str], ...], ...]:
    """The names that mean the same, as stems."""
    return tuple(tuple(stems(name) for name in entry["names"]) for entry in _entries())


@cache
def _entries() -> tuple[dict[str, list[str]], ...]:
    return tuple(json.loads(NAMES.read_text(encoding="utf-8")))


def other_names(question: str) -> list[str]:
    """Other names of what a question asks for, for the search."""
    asked = stems(question)
    found: list[str] = []
    for entry in _entries():
        hits = [name for name in entry["names"] if (s := stems(name)) and s <= asked]
        if hits:
            found += [name for name in entry["names"] if name not in hits]
    return found
