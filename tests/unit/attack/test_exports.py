"""No cell of an exported table is a formula, whichever separator a spreadsheet goes by."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

EXPORT = Path(__file__).resolve().parents[3] / "finexpert" / "web" / "static" / "export.js"
FORMULA = "=+-@＝＋－＠﹦﹢﹣﹫−⁼⁺⁻₌₊₋\t\r"
SKIPPED = ' "\u00a0\ufeff\u200b\u2060\u202e\x00'
TEXTS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(1)",
    "＝1+1",
    "\t=1",
    "\r\n=1",
    "a;=HYPERLINK(1)",
    "a; =HYPERLINK(1)",
    "a|=1",
    "a\t=1",
    "a\n=1",
    "a\r\n＠1",
    'a";=1',
    'a\n"=1',
    "a;-1;+1;@1",
    ";=1",
    "−1+1",
    "﹢1",
    "₌1",
    "\u200b=1",
    "\ufeff=1",
    "\u00a0＝1",
    "\u202e@1",
    "\x00=1",
    "a;\u200b=1",
    "a\t \u2060=1",
]


def exported(texts: list[str]) -> str:
    """What the page saves for one answer a text."""

    def thread(text: str) -> dict[str, Any]:
        answer = {"model": text, "text": text, "seconds": 1, "note": text}
        turn = {"at": "2026-01-31", "prompt": text, "parameters": {}, "answers": [answer]}
        return {"name": text, "turns": [turn]}

    threads = [thread(text) for text in texts]
    program = (
        f"import {{toCsv}} from {json.dumps(EXPORT.as_uri())};\nconsole.log(toCsv({json.dumps(threads)}));"
    )
    command = ["node", "--input-type=module", "--eval", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.removesuffix("\n")


def cells(text: str, separator: str) -> list[str]:
    """The cells as a spreadsheet reads them: quotes count where a cell begins, what follows them stays."""
    found, place = [], 0
    while place < len(text):
        cell = ""
        if text[place] == '"':
            place += 1
            while place < len(text):
                if text.startswith('""', place):
                    cell, place = cell + '"', place + 2
                elif text[place] == '"':
                    place += 1
                    break
                else:
                    cell, place = cell + text[place], place + 1
        while place < len(text) and text[place] not in (separator, "\n", "\r"):
            cell, place = cell + text[place], place + 1
        found.append(cell)
        place += 1
    return found


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_no_cell_begins_a_formula(separator: str) -> None:
    harmful = [c for c in cells(exported(TEXTS), separator) if c.lstrip(SKIPPED)[:1] in tuple(FORMULA)]
    assert not [cell for cell in harmful if cell]


def test_what_is_no_formula_stays_as_it_is() -> None:
    text = "Revenue rose, by 4-5 %: a+b = c; net income, -3.2 (2024)"
    assert text in exported([text])
