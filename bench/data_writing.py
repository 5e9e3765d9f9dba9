"""Writes invented text, tables and records as people do; no two sentences are alike."""

import csv
import io
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

COMPANIES = (
    "Brackwater Mills",
    "Oriel Freight",
    "Tannhill Foods",
    "Corvane Steel",
    "Lumen Harbour",
    "Müller & Söhne",
)
VERBS = ("rose", "fell", "was flat", "doubled", "slipped", "recovered")
LINKS = (
    "while costs, margins and receivables moved",
    "since demand was weak",
    "as prices went up; volumes did not",
)


@dataclass
class Case:
    """Files as a person has them, and what is to be learned: (question or None, answer or text) of each."""

    files: dict[str, bytes]
    learned: list[tuple[str | None, str]]
    held_out: list[tuple[str | None, str]] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)


def sentence(chance: Random, number: int) -> str:
    """A sentence of a report; no two are alike."""
    company, verb, link = chance.choice(COMPANIES), chance.choice(VERBS), chance.choice(LINKS)
    tenth = chance.randint(0, 9)
    return f"{company} said revenue {verb} to ${100 + number}.{tenth} million, {link} by {number}%."


def sentences(chance: Random, most: int = 40) -> list[str]:
    return [sentence(chance, number) for number in range(chance.randint(22, most))]


def paragraph(chance: Random, number: int) -> str:
    return " ".join(sentence(chance, number * 10 + place) for place in range(chance.randint(3, 6)))


def plain(texts: list[str]) -> list[tuple[str | None, str]]:
    return [(None, text) for text in texts]


def questions(chance: Random) -> list[tuple[str | None, str]]:
    found: list[tuple[str | None, str]] = []
    for number in range(chance.randint(22, 40)):
        company = chance.choice(COMPANIES)
        found.append((f"What did {company} report, in period {number}?", f"It reported ${number}.5 million."))
    return found


def ends(chance: Random, text: str) -> str:
    return text.replace("\n", chance.choice(("\n", "\r\n")))


def rows(
    header: list[str] | None, cells: list[list[Any]], separator: str = ",", *, always: bool = False
) -> str:
    out = io.StringIO()
    writer = csv.writer(
        out,
        delimiter=separator,
        quoting=csv.QUOTE_ALL if always else csv.QUOTE_MINIMAL,
        lineterminator="\n",
    )
    writer.writerows([*([header] if header else []), *cells])
    return out.getvalue()


def json_of(chance: Random, records: list[Any]) -> tuple[str, bytes]:
    """Records as lines, as an array, or as an array over many lines."""
    if chance.random() < 0.5:
        text = "\n".join(json.dumps(record, ensure_ascii=chance.random() < 0.5) for record in records)
        return chance.choice(("data.jsonl", "data.ndjson", "data.json")), ends(chance, text).encode()
    return "data.json", json.dumps(records, indent=chance.choice((None, 1, 4)), ensure_ascii=False).encode()


def wrapped(text: str, width: int) -> str:
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def fields(
    chance: Random, texts: list[str], text: str, others: list[str]
) -> tuple[list[str], list[list[Any]]]:
    """A table with the column of text among others, in any order."""
    header = [text, *others]
    chance.shuffle(header)
    value: dict[str, Callable[[int], Any]] = {
        "id": str,
        "date": lambda n: f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}",
        "label": lambda n: ("neutral", "positive", "negative")[n % 3],
        "author": lambda n: ("A. Abel", "B. Bond")[n % 2],
        "url": lambda n: f"https://example.com/{n}",
        "score": lambda n: n / 10,
    }
    return header, [[t if c == text else value[c](n) for c in header] for n, t in enumerate(texts)]


def others(chance: Random, least: int = 0) -> list[str]:
    names = ["id", "date", "label", "author", "url", "score"]
    return chance.sample(names, chance.randint(least, 4))
