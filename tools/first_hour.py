"""Write what only an AWS account can show into docs/assurance.md: `python -m tools.first_hour`."""

from finexpert import paths
from finexpert.doctor.first_hour import HEADINGS, assurance_lists
from finexpert.doctor.questions import QUESTIONS

FIRST = f"### {HEADINGS['nothing']}"


def main() -> None:
    """Replace all from the first list's heading on."""
    page = paths.ROOT / "docs" / "assurance.md"
    above, _, _ = page.read_text(encoding="utf-8").partition(FIRST)
    page.write_text(above + assurance_lists(QUESTIONS) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
