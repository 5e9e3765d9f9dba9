"""Tables and JSON, however they are arranged: which column is the text."""

import json
from typing import Any

import pytest

from core.dataset import Reader
from core.hyperparameters import HyperparameterError, parse
from tests.unit.core.dataset.reading import COLUMNS, LABELS, RECORDS, SENTENCES, file, pairs_of, read, refused


def quoted(cell: str, separator: str) -> str:
    return f'"{cell}"' if separator in cell else cell


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["text", "Text", " TEXT ", "sentence", "Full Text"])
@pytest.mark.parametrize("opening", ["", "sep"])
def test_a_table_is_read_whatever_its_separator(separator: str, name: str, opening: str) -> None:
    rows = [f"{n}{separator}{quoted(s, separator)}{separator}1" for n, s in enumerate(SENTENCES)]
    first = f"sep={separator}\n" if opening else ""
    content = first + "\n".join([f"id{separator}{name}{separator}label", *rows])
    for suffix in (".csv", ".tsv"):
        documents = read(f"a{suffix}", content)
        assert [document.text for document in documents] == SENTENCES


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("author,date,ticker,summary", "summary"),
        (",sentence,sentiment", "sentence"),
        ("result,content", "content"),
        ("a,b,c", "c"),
    ],
)
def test_the_column_with_the_text_is_found(header: str, text: str) -> None:
    cells = {"summary", "sentence", "content", text}
    rows = [
        ",".join(f'"{s}"' if name in cells else str(label) for name in header.split(","))
        for s, label in zip(SENTENCES, range(30), strict=True)
    ]
    reader = Reader([file("a.csv", "\n".join([header, *rows]))])
    assert [document.text for document in reader] == SENTENCES
    assert f"column {text!r}" in reader.notes[0]
    assert bool(reader.doubts) == (text == "c"), "a guess is said aloud"


def test_unquoted_separators_are_an_error_with_the_line() -> None:
    told = refused("a.csv", "\n".join(["text", *SENTENCES]))
    assert told.startswith("a.csv, line 2: 3 columns in this row, 1 in the first one; put double quotes")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("\n".join(["id,label", *(f"{n},{x}" for n, x in enumerate(LABELS))]), "holds figures"),
        (
            "\n".join(["text,when", *(f"{n},2024-01-{n + 1:02}" for n in range(30))]),
            "column 'text' holds figures",
        ),
        ("\n".join(["content,label", *(f"{x},1" for x in LABELS)]), "holds only 3 different values"),
    ],
)
def test_what_would_teach_nonsense_is_an_error(content: str, words: str) -> None:
    told = refused("a.csv", content)
    assert words in told and "text_column" in told and "there is no text" not in told


def test_columns_can_be_named() -> None:
    rows = [f'"{s}",Why {n}?,Because {n}.' for n, s in enumerate(SENTENCES)]
    content = "\n".join(["body,question,answer", *rows])
    assert [d.text for d in read("a.csv", content, text_column="Body")] == SENTENCES
    pairs = pairs_of(read("a.csv", content, prompt_column="question,body", completion_column="answer"))
    assert pairs[0] == (f"{SENTENCES[0]}\n\nWhy 0?", "Because 0.")
    told = refused("a.csv", content, text_column="bodies")
    assert "there is no column 'bodies'; the columns are 'body'" in told


@pytest.mark.parametrize(
    "settings",
    [
        {"prompt_column": "a"},
        {"completion_column": "a"},
        {"text_column": "a", "prompt_column": "b", "completion_column": "c"},
    ],
)
def test_columns_that_contradict_each_other_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(HyperparameterError):
        parse(settings)


@pytest.mark.parametrize(
    "content",
    [
        RECORDS,
        {"data": RECORDS},
        {"version": "1.0", "rows": RECORDS},
        {"features": [{"name": "id"}], "rows": [{"row_idx": n, "row": r} for n, r in enumerate(RECORDS)]},
        {"train": RECORDS, "test": RECORDS[:3]},
        {str(n): record for n, record in enumerate(RECORDS)},
        {f"doc-{n}": record for n, record in enumerate(RECORDS)},
        {name: {str(n): value for n, value in enumerate(values)} for name, values in COLUMNS.items()},
        COLUMNS,
        {
            "columns": ["id", "sentence"],
            "index": list(range(30)),
            "data": [list(r.values()) for r in RECORDS],
        },
        {"schema": {"fields": [{"name": "id"}]}, "data": RECORDS},
    ],
    ids="array data rows viewer splits numbered named pandas columns split table".split(),  # noqa: SIM905
)
@pytest.mark.parametrize("indent", [None, 1])
def test_json_is_read_however_it_is_arranged(content: Any, indent: int | None) -> None:
    documents = read("a.json", json.dumps(content, indent=indent))
    assert [document.text for document in documents] == SENTENCES


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson"])
def test_objects_one_after_another_are_read(name: str) -> None:
    for content in ("\n".join(map(json.dumps, RECORDS)), "\n".join(json.dumps(r, indent=2) for r in RECORDS)):
        assert [document.text for document in read(name, content)] == SENTENCES
