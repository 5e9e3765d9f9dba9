"""What people bring: encodings, layouts, sides, and files of the field in small."""

import json
from pathlib import Path
from textwrap import fill

import pytest

from core.dataset import Intake, Reader, check, local_sources
from core.dataset.lines import LineReader
from core.dataset.plain_text import layout_of
from core.dataset.sources import sides_of
from core.dataset.templates import DEMARCATION
from core.hyperparameters import parse
from tests.unit.core.dataset.reading import (
    LABELS,
    RECORDS,
    SENTENCES,
    file,
    json_lines,
    pairs_of,
    read,
    refused,
)

TOLD = {"utf-8": "", "utf-8-sig": "", "utf-16": "; UTF-16", "utf-32": "; UTF-32", "cp1252": "; Windows-1252"}


@pytest.mark.parametrize(("encoding", "told"), TOLD.items())
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_of_the_west_is_read_whatever_its_encoding(encoding: str, told: str, end: str) -> None:
    lines = ["Erträge für Société Générale: 5 £", "“Señor” – naïve café", "Plain."]
    reader = Reader([file("a.txt", end.join(lines).encode(encoding))])
    assert [document.text for document in reader] == lines
    assert reader.notes == [f"a.txt: a document a line{told}"]


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
def test_byte_order_marks_of_joined_files_are_taken_out(name: str) -> None:
    twice = "\ufefftext\none\n\ufeffone\n"
    part = {"a.txt": "\ufeffone\n", "a.jsonl": '\ufeff{"text": "one"}\n', "a.csv": twice}
    documents = read(name, (part[name] * 2).removesuffix("\ufefftext\none\n\ufeffone\n"))
    assert {document.text for document in documents} == {"one"}


def test_how_it_was_encoded_is_known_only_from_what_was_read() -> None:
    assert LineReader("a.txt", file("a.txt", b"x")[1], []).encoding == "UTF-8"  # type: ignore[arg-type]


PARAGRAPHS = [
    f"Note {n}. Revenue from contracts to design and build packaging lines is recognized over time, since the"
    f" lines have no alternative use and we have an enforceable right to payment for {n} machines."
    for n in range(12)
]


@pytest.mark.parametrize("width", [40, 60, 72, 79, 100])
@pytest.mark.parametrize("between", ["\n\n", "\n\n\n"])
def test_wrapped_lines_are_joined_between_blank_ones(width: int, between: str) -> None:
    text = between.join(fill(paragraph, width) for paragraph in PARAGRAPHS)
    assert [document.text for document in read("a.txt", text)] == PARAGRAPHS


REPORTS = [
    {"table": {"table": [["", "2019"]]}, "paragraphs": [{"order": 1, "text": f"Sales {n}."}, {"text": "Up."}]}
    for n in range(5)
]
#: Of each file: its name and content, the texts in it, how it is said to be read, and what is doubted.
FILES: dict[str, tuple[str, str | bytes, list[str], str, str]] = {
    "lines": ("a.txt", "one\ntwo\nthree\n", ["one", "two", "three"], "a document a line", ""),
    "blank lines": (
        *("a.txt", "one\r\nmore of one\r\n\r\n\r\ntwo\n"),
        *(["one\nmore of one", "two"], "documents separated by blank lines", ""),
    ),
    "joined in two encodings": (
        *("a.txt", "Erträge\n".encode() + "Señor\n".encode("cp1252"), ["Erträge", "Señor"]),
        *("a document a line; UTF-8 and Windows-1252", ""),
    ),
    "wrapped lines without blank ones": (
        *("a.txt", "\n".join(fill(paragraph, 60) for paragraph in PARAGRAPHS), PARAGRAPHS),
        *("a document a paragraph, lines wrapped at 60 characters joined", "without blank lines between"),
    ),
    "the Financial PhraseBank": (
        *("a.txt", "\n".join(f"{s}@{label}" for s, label in zip(SENTENCES, LABELS, strict=True)), SENTENCES),
        *("a document a line, the labels behind @ left out", ""),
    ),
    "a table without header": (
        "a.csv",
        "\n".join(f'{label},"{s}"' for s, label in zip(SENTENCES, LABELS, strict=True)),
        SENTENCES,
        "column 'column 2' (of 'column 1', 'column 2'), the first line is no header",
        "no column is named text",
    ),
    "reports of TAT-QA": (
        *("reports.json", json.dumps(REPORTS), [f"Sales {n}.\nUp." for n in range(5)]),
        *("column 'paragraphs', tables and questions left out", ""),
    ),
    "marks at the ends": (
        *("a.jsonl", json_lines([{"text": f"<s> {s} </s>"} for s in SENTENCES]), SENTENCES),
        *("column 'text'", "30 texts hold a model's marks"),
    ),
    "questions without answers": (
        *("a.jsonl", json_lines([{"question": f"Why {s}?"} for s in SENTENCES])),
        *([f"Why {s}?" for s in SENTENCES], "column 'question'", "no column has answers to it"),
    ),
}


@pytest.mark.parametrize(("name", "content", "texts", "told", "doubt"), FILES.values(), ids=FILES)
def test_a_file_is_read_and_it_is_said_how(
    name: str, content: str | bytes, texts: list[str], told: str, doubt: str
) -> None:
    reader = Reader([file(name, content)])
    assert [document.text for document in reader] == texts
    assert reader.notes == [f"{name}: {told}"]
    assert doubt in "".join(reader.doubts) and bool(reader.doubts) == bool(doubt)


TWEETS = [sentence.replace(",", "") for sentence in SENTENCES]
EXPORTED = [
    "id,text,timestamp,symbols,url,verified,pred_sen",
    *(
        f"1.63E+18,{s},Sun Feb 26 08:31:37 +0000 2023,DDR,https://trib.al/{n},,2"
        for n, s in enumerate(TWEETS)
    ),
]
HEADLINES = [f"Headline {n}: shares rise after strong quarter" for n in range(30)]
LOWERED = [f"sales of unit {n} rose to {n} million , compared with {n + 1}" + " again" * n for n in range(30)]
QUOTING = [f'"Up {n}" said the chair; costs fell.' for n in range(30)]
WRITTEN_OUT = [
    {"instruction": f"Sum {n}.", "input": "", "output": f"{n}.", "text": f"### Sum {n}.\n### Answer: {n}."}
    for n in range(9)
]
#: Of each file: its name and content, and the texts in it.
TEXTS: dict[str, tuple[str, str, list[str]]] = {
    "headlines": ("a.txt", "\n".join(HEADLINES), HEADLINES),
    "sentences in small letters": ("a.txt", "\n".join(LOWERED), LOWERED),
    "sentences": ("a.txt", "\n".join(SENTENCES), SENTENCES),
    "a name like an archive's mark": ("a.txt", "PKO Bank rose.\nB fell.", ["PKO Bank rose.", "B fell."]),
    "tweets of Excel on a Mac": ("tweets.csv", "\r".join(EXPORTED), TWEETS),
    "tweets of Excel": ("tweets.csv", "\r\n".join(EXPORTED), TWEETS),
    "JSON in a file of text": ("a.txt", json_lines(RECORDS), SENTENCES),
    "quotes between tabs": (
        *("a.tsv", "\n".join(["id\ttext", *(f"{n}\t{text}" for n, text in enumerate(QUOTING))]), QUOTING),
    ),
    "question and answer written out": ("a.json", json.dumps(WRITTEN_OUT), [f"{n}." for n in range(9)]),
}


@pytest.mark.parametrize(("name", "content", "texts"), TEXTS.values(), ids=TEXTS)
def test_each_text_is_a_document(name: str, content: str, texts: list[str]) -> None:
    assert [document.text for document in read(name, content)] == texts


AUTHORS = ("Daniel Jones", "Hoya Capital", "Stephen Simpson", "Trap Value", "Taylor Dart", "Gen Alpha")
ARTICLES = [f"{AUTHORS[n % 6]}{n // 6},{n},{n / 7:.3f}" for n in range(36)]
MESSAGES = [{"role": role, "content": "Up."} for role in ("user", "assistant")] * 5
#: Of each file: its name and content, and the reason why it is refused.
REFUSED: dict[str, tuple[str, str | bytes, str]] = {
    "Windows' Cyrillic": ("a.txt", "Отчёт\nplain\n".encode("cp1251") * 5, "is not UTF-8"),
    "Unix' Cyrillic": ("a.txt", "Отчёт\nplain\n".encode("koi8-r") * 5, "is not UTF-8"),
    "Japanese": ("a.txt", "売上高\nplain\n".encode("shift-jis") * 5, "is not UTF-8"),
    "Chinese": ("a.txt", "销售额增长\nplain\n".encode("gb18030") * 5, "is not UTF-8"),
    "a cut character": ("a.txt", b"one\ncaf\xc3 closed\ntwo\nthree\n", "is not UTF-8"),
    "names and figures": (
        *("a.csv", "\n".join(["author,time_window,acc_trend", *ARTICLES]), "no column holds text"),
    ),
    "the same answer everywhere": (
        *("a.jsonl", json_lines([{"question": f"{n}?", "answer": "yes"} for n in range(30)])),
        "holds the same in every record",
    ),
    "messages one by one": ("a.json", json.dumps(MESSAGES), "put the messages of a dialog into one record"),
}


@pytest.mark.parametrize(("name", "content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_would_be_misread_is_refused(name: str, content: str | bytes, words: str) -> None:
    assert words in refused(name, content)


def test_lines_that_end_inside_a_sentence_are_warned_of() -> None:
    pairs = [(f"Revenue of unit {n} rose in", f"the quarter by {n}% {'x ' * n}.") for n in range(30)]
    halves = [half for pair in pairs for half in pair]
    report = check([file("a.jsonl", json_lines([{"text": half} for half in halves]))], parse({}))
    assert any("end inside a sentence" in warning for warning in report.warnings)


def test_layouts_have_names() -> None:
    assert str(layout_of(["a"])) == "a document a line"


@pytest.mark.parametrize(
    ("names", "sides"),
    [
        (["train/a.jsonl", "test/b.jsonl", "dev/c.jsonl"], "training test validation"),
        (["train.csv", "valid.csv", "Test.csv"], "training validation test"),
        (["train-00000-of-00002.jsonl", "test-00000-of-00001.jsonl"], "training test"),
        (["fpb_train.csv", "fpb_test.csv", "fpb_val.csv"], "training test validation"),
        (["stress_test.txt", "dev_costs.txt", "evaluation of risk.txt"], "training training training"),
        (["risk/train/a.txt", "risk/test/a.txt"], "training test"),
    ],
)
def test_sides_are_known_by_their_names(names: list[str], sides: str) -> None:
    assert list(sides_of(names).values()) == sides.split()


def test_a_test_side_is_never_trained_on(tmp_path: Path) -> None:
    for side, first in (("train", 0), ("val", 100), ("test", 200)):
        (tmp_path / side).mkdir()
        lines = [f"Sales of {n} rose." for n in range(first, first + 10)]
        (tmp_path / side / "a.txt").write_text("\n".join(lines))
    intake = Intake(local_sources(tmp_path), None, parse({}))
    texts = [document.text for _, document in intake]
    assert intake.held_out == 10 and len(texts) == 20
    assert not any("Sales of 2" in text and len(text) > 17 for text in texts)
    assert "test/a.txt: left out, a test side is never trained on" in intake.notes
    assert intake.tasks == ("",)


def test_sides_in_one_object_are_kept_apart(tmp_path: Path) -> None:
    sides = {"train": RECORDS[:20], "validation": RECORDS[20:25], "test": RECORDS[25:]}
    (tmp_path / "data.json").write_text(json.dumps(sides))
    intake = Intake(local_sources(tmp_path), None, parse({}))
    texts = [document.text for _, document in intake]
    assert texts == SENTENCES[20:25] + SENTENCES[:20]
    assert intake.held_out == 5 and any("'test'" in doubt for doubt in intake.doubts)


def test_the_check_says_what_was_understood_and_shows_the_first_document() -> None:
    content = "\n".join(["Frage;answer", *(f"Was {n}?;Nichts {n}." for n in range(30))]).encode("cp1252")
    report = check([file("a.csv", content)], parse({"prompt_column": "frage", "completion_column": "answer"}))
    (understood,) = report.understood
    shape = understood.form, understood.separator, understood.columns
    assert shape == ("instructions", ";", ("Frage", "answer"))
    assert (
        str(understood) == "a.csv: instructions: prompt 'Frage', completion 'answer', separated by semicolons"
    )
    assert report.first == {"file": "a.csv", "prompt": f"Was 0?{DEMARCATION}", "text": "Nichts 0."}


def test_prompts_longer_than_a_row_are_counted_with_the_remedy() -> None:
    rows = [{"prompt": "sales rose " * 400, "completion": f"By {n}."} for n in range(12)]
    settings = {"max_input_length": "256", "per_device_train_batch_size": "2", "epoch": "1"}
    report = check([file("a.jsonl", json_lines(rows))], parse(settings))
    assert report.prompts_cut == 12 and report.tokens_cut > 5000
    (warning,) = (each for each in report.warnings if "too long for a row" in each)
    assert warning.startswith("12 of 12 prompts") and "set max_input_length to 1152" in warning
    assert report.optimizer_steps == 5


def test_text_that_was_misread_before_is_warned_of() -> None:
    content = "\n".join(f"The companyâ€™s sales rose by {n} million euros." for n in range(30))
    assert any("wrong encoding" in warning for warning in check([file("a.txt", content)], parse({})).warnings)


def test_fiqa_is_read_as_it_is_and_its_broken_letters_are_said() -> None:
    content = {
        str(3 * n): {"sentence": f"{s} Deutsche BÃ¶rse", "info": [{"target": "x", "sentiment_score": "0.1"}]}
        for n, s in enumerate(SENTENCES)
    }
    report = check([file("task1_headline_ABSA_train.json", json.dumps(content, indent=2))], parse({}))
    assert report.documents == 30 and report.first is not None
    assert report.first["text"] == f"{SENTENCES[0]} Deutsche BÃ¶rse"
    assert any("wrong encoding" in warning for warning in report.warnings)


def test_a_null_text_is_an_empty_document() -> None:
    rows = [*({"text": s} for s in SENTENCES), {"text": None}]
    report = check([file("a.jsonl", json_lines(rows))], parse({}))
    assert (report.documents, report.empty, report.errors) == (30, 1, ())


def test_squads_articles_are_questions_with_their_context() -> None:
    articles = [
        {
            "title": "x",
            "paragraphs": [{"context": s, "qas": [{"question": f"Q{n}?", "answers": [{"text": f"A{n}"}]}]}],
        }
        for n, s in enumerate(SENTENCES)
    ]
    for content in (articles, {"version": "2.0", "data": articles}):
        pairs = pairs_of(read("train.json", json.dumps(content)))
        assert pairs == [(f"{s}\n\nQ{n}?", f"A{n}") for n, s in enumerate(SENTENCES)]


def test_rows_of_a_test_side_are_never_trained_on() -> None:
    rows = [{"text": s, "split": ("train", "test", "validation")[n % 3]} for n, s in enumerate(SENTENCES)]
    reader = Reader([file("a.jsonl", json_lines(rows))])
    assert [document.text for document in reader] == SENTENCES[::3]
    assert len(reader.doubts) == 2 and "column 'split': 10 rows are left out" in reader.doubts[0]
