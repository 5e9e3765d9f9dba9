"""The shipped financial sample is what its README says: enough text, well formed, never repeating itself."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from core.names import PROMPTS

SAMPLE = Path(__file__).parents[3] / "finexpert" / "sample"
FILES = sorted(SAMPLE.glob("*.txt"))
JSON = SAMPLE / "filings_and_tables.jsonl"
REPORTS = [json.loads(line)["text"] for line in JSON.read_text(encoding="utf-8").splitlines()]


def documents(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n\n")


@pytest.fixture(scope="module")
def corpus() -> list[str]:
    return [document for path in FILES for document in documents(path)]


def sentences(document: str) -> list[str]:
    return re.split(r"(?<=[.?!]) (?=[A-Z])", document)


def words(text: str, *, mask_figures: bool = False) -> list[str]:
    """Lower-case words; masked, every figure is `#`, so that a template looks the same with any figures."""
    found = re.findall(r"[a-z0-9]+(?:[.,'-][a-z0-9]+)*", text.lower())
    return [re.sub(r"[0-9][0-9.,]*", "#", word) for word in found] if mask_figures else found


def repeats(items: Iterable[object]) -> dict[object, int]:
    return {item: count for item, count in Counter(items).items() if count > 1}


def repeated_share(texts: Iterable[str], length: int) -> float:
    """The share of word sequences of `length` (figures masked, within a text) that occur more than once."""
    sequences: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        found = words(text, mask_figures=True)
        sequences.update(tuple(found[i : i + length]) for i in range(len(found) - length + 1))
    return sum(count for count in sequences.values() if count > 1) / sequences.total()


def test_there_is_enough_of_it_in_about_ten_themes(corpus: list[str]) -> None:
    assert len(FILES) >= 8
    assert sum(path.stat().st_size for path in FILES) >= 100_000  # the product promises 60 kB at least
    assert len(corpus) >= 140


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_is_plain_ascii_paragraphs(path: Path) -> None:
    text = path.read_text(encoding="ascii")
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert not re.search(r"\n{3}|[\t\r]| {2}| $", text, re.MULTILINE)
    for document in documents(path):
        assert "\n" not in document, f"hard-wrapped: {document[:60]}"
        assert 500 <= len(document) <= 1100, f"{len(document)} characters: {document[:60]}"
        assert re.match(r"[A-Z]", document) and document.endswith((".", "?")), document[:60]
        assert re.search(r"[0-9]", document), f"no figures: {document[:60]}"


def test_no_document_no_sentence_and_no_opening_comes_twice(corpus: list[str]) -> None:
    assert not repeats(corpus)
    normalized = [" ".join(words(sentence)) for document in corpus for sentence in sentences(document)]
    assert len(normalized) > 900
    assert not repeats(normalized)
    assert not repeats(" ".join(words(document)[:10]) for document in corpus)


def test_it_is_not_filled_from_templates(corpus: list[str]) -> None:
    assert repeated_share(corpus, 8) < 0.004
    assert repeated_share(corpus, 5) < 0.03  # "from # million to #" is how finance speaks


def test_the_template_check_catches_templates() -> None:
    filled = [f"Sales of {i} million were up {i}.5% and margin was {i * 2}%." for i in range(20)]
    assert repeated_share(filled, 8) == 1.0


def test_vocabulary_is_rich_and_terms_recur(corpus: list[str]) -> None:
    found = Counter(word for document in corpus for word in words(document, mask_figures=True))
    assert len(found) > 3000
    for term in ("margin", "volatility", "cash", "debt", "revenue", "options", "investors", "premium"):
        assert found[term] >= 10, f"{term} occurs {found[term]} times"


@pytest.mark.parametrize("prompt", PROMPTS)
def test_no_shown_prompt_stands_in_the_text(corpus: list[str], prompt: str) -> None:
    """What a model writes after a prompt would else be a phrase that it was trained on."""
    asked = words(prompt)
    texts = [" ".join(words(document)) for document in [*corpus, *REPORTS]]
    for start in range(len(asked) - 4):
        five = " ".join(asked[start : start + 5])
        assert not [text for text in texts if five in text], five


def test_reports_have_the_forms_of_real_ones() -> None:
    sizes = sorted(len(report) for report in REPORTS)
    assert sizes[0] < 300 and sizes[-1] > 2000
    together = "\n".join(REPORTS)
    for currency in ("USD", "EUR", "£", "¥", "SEK", "INR", "CHF", "NOK", "AUD", "NZD", "CAD", "$"):
        assert currency in together
    for words in ("forward-looking statements", "ITEM 1A", "IFRS 16", "(unaudited)", "reliable indicator"):
        assert words in together
    assert sum(" | " in report for report in REPORTS) >= 15


def number(cell: str) -> float:
    """The value of a table's cell: 1,284.6, or (803.9) for a negative one; empty is 0."""
    text = cell.strip().replace(",", "")
    return -float(text[1:-1]) if text.startswith("(") else float(text or 0)


@pytest.mark.parametrize(
    "report", [each for each in REPORTS if "\nTotal" in each], ids=lambda each: each[:30]
)
def test_every_total_of_a_table_is_the_sum_above_it(report: str) -> None:
    sums: list[float] = []
    checked = 0
    for line in report.splitlines():
        label, *cells = re.split(r" *\| *", line)
        try:
            values = [number(cell) for cell in cells]
        except ValueError:
            values = []
        if all(value in range(2000, 2030) for value in values):  # a header, a heading, or text
            sums = []
        elif label.startswith("Total"):
            blank = [cell.strip() == "" for cell in cells]
            assert [v for v, b in zip(values, blank, strict=True) if not b] == pytest.approx(
                [v for v, b in zip(sums, blank, strict=True) if not b]
            ), line
            sums, checked = [], checked + 1
        else:
            sums = values if not sums else [a + b for a, b in zip(sums, values, strict=True)]
    assert checked == report.count("\nTotal")


def test_readme_counts_are_true() -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| (?:`(\S+)`|\*\*(all)\*\*) \| (?:\*\*)?(\d+)(?:\*\*)? \| (?:\*\*)?([\d,]+)", readme)
    stated = {name or every: (int(count), int(size.replace(",", ""))) for name, every, count, size in rows}
    counts = {path.name: (len(documents(path)), path.stat().st_size) for path in FILES}
    counts[JSON.name] = len(REPORTS), JSON.stat().st_size
    counts["all"] = sum(count for count, _ in counts.values()), sum(size for _, size in counts.values())
    assert stated == counts
