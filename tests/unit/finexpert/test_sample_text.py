"""The shipped financial sample is what its README says: enough text, well formed, never repeating itself."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[3] / "finexpert" / "sample"
FILES = sorted(SAMPLE.glob("*.txt"))
PROMPTS = (
    "the investment tests performed indicate",
    "the relative volume for the long out of the money options, indicates",
    "the results for the short in the money options",
    "the results are encouraging for aggressive investors",
)


def documents(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n\n")


@pytest.fixture(scope="module")
def corpus() -> list[str]:
    return [document for path in FILES for document in documents(path)]


def sentences(document: str) -> list[str]:
    return re.split(r"(?<=[.?!]) (?=[A-Z])", document)


def words(text: str, *, mask_figures: bool = False) -> list[str]:
    """Lower-case words; masked, every figure is `#`, so that a template looks the same whatever fills it."""
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
    assert repeated_share(corpus, 8) < 0.004  # the demo's own prompts are most of what repeats
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
def test_each_shown_prompt_has_something_to_learn_from(corpus: list[str], prompt: str) -> None:
    holding = [document for document in corpus if prompt in document.lower()]
    assert 2 <= len(holding) <= len(corpus) // 20
    for document in holding:
        continuation = document.lower().split(prompt, 1)[1]
        assert len(continuation) > 200, f"little follows the prompt: {document[:60]}"


def test_readme_counts_are_true() -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| `(\S+)` \| (\d+) \| ([\d,]+) \|", readme)
    stated = {name: (int(count), int(size.replace(",", ""))) for name, count, size in rows}
    assert stated == {path.name: (len(documents(path)), path.stat().st_size) for path in FILES}
