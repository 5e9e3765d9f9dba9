"""The page about faults is what the table of faults says."""

from pathlib import Path

from tests.functional.guardrails.fault_table import ROWS, render

PAGE = Path(__file__).parents[3] / "docs" / "faults.md"


def test_the_page_says_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), (
        "python -m tests.functional.guardrails.fault_table > docs/faults.md"
    )


def test_every_row_has_a_name_of_its_own() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
