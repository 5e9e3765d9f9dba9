"""What logs, names and models hold never steers a terminal."""

import json

import pytest
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from finexpert.text import printable
from finexpert.views import display

ATTACKS = {
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "title": "\x1b]0;evil\x07",
    "clear": "\x1b[2J\x1b[H",
    "one byte CSI": "\x9b2J",
    "one byte OSC": "\x9d0;evil\x9c",
    "backspaces": "safe\x08\x08\x08\x08evil",
    "carriage return": "cost $900\rcost $1",
    "direction": "\u202egpj.exe",
    "isolate": "\u2066evil\u2069",
    "mark of a direction": "\u200fevil\u200e \u061c",
    "another end of a line": "safe\u2028evil\u2029",
    "half of a character": "\ud83devil\udfff",
    "link": "\x1b]8;;https://evil.example\x1b\\safe\x1b]8;;\x1b\\",
    "nothing": "\x00\x7f",
}
FORBIDDEN = "\x1b\x9b\x9d\x9c\x07\x08\x00\x7f\r\u202e\u2066\u2069\u200e\u200f\u061c\u2028\u2029\ud83d\udfff"


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_no_way_of_printing_lets_it_through(attack: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(f"head{attack}")
    table.add_row(f"cell{attack}")
    out = display.console()
    out.print(f"[bold]line[/] {escape(attack)}")
    out.print(Text(f"text{attack}"))
    out.print(table)
    display.print_parts(out, [table, f"part {escape(attack)}"])
    display.print_text(f"log{attack}")
    display.print_json({"name": attack})
    printed = capsys.readouterr().out
    assert "log" in printed and "cell" in printed
    assert not set(printed) & set(FORBIDDEN)


def test_json_keeps_what_was_there(capsys: pytest.CaptureFixture[str]) -> None:
    display.print_json(ATTACKS)
    assert json.loads(capsys.readouterr().out) == ATTACKS


def test_lines_tabs_and_other_scripts_stay() -> None:
    assert printable("a\tb\nÜber 10 € – 数\n") == "a\tb\nÜber 10 € – 数\n"
