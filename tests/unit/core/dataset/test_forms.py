"""What people bring: encodings, layouts, sides, and files of the field in small."""

import json
from pathlib import Path

import pytest

from core.dataset import Intake, Reader, check, local_sources
from core.dataset.lines import LineReader
from core.dataset.plain_text import layout_of
from core.dataset.sources import sides_of
from core.dataset.templates import DEMARCATION
from core.hyperparameters import parse
from tests.unit.core.dataset.reading import LABELS, RECORDS, SENTENCES, pairs_of, read, refused
from tests.unit.core.dataset.test_dataset import file

TOLD = {"utf-8": "", "utf-8-sig": "", "utf-16": "; UTF-16", "utf-32": "; UTF-32", "cp1252": "; Windows-1252"}


@pytest.mark.parametrize(("encoding", "told"), TOLD.items())
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_of_the_west_is_read_whatever_its_encoding(encoding: str, told: str, end: str) -> None:
    lines = ["Erträge für Société Générale: 5 £", "“Señor” – naïve café", "Plain."]
    reader = Reader([file("a.txt", end.join(lines).encode(encoding))])
    assert [document.text for document in reader] == lines
    assert reader.notes == [f"a.txt: a document a line{told}"]


@pytest.mark.parametrize("encoding", ["cp1251", "shift-jis", "gb18030", "koi8-r"])
def test_other_encodings_are_refused_and_never_misread(encoding: str) -> None:
    text = {"cp1251": "Отчёт", "koi8-r": "Отчёт", "shift-jis": "売上高", "gb18030": "销售额增长"}[encoding]
    assert "is not UTF-8" in refused("a.txt", f"{text}\nplain\n".encode(encoding) * 5)


def test_a_cut_character_is_no_windows_text() -> None:
    assert "is not UTF-8" in refused("a.txt", b"one\ncaf" + b"\xc3 closed\ntwo\nthree\n")


def test_joined_files_in_two_encodings_are_both_read() -> None:
    reader = Reader([file("a.txt", "Erträge\n".encode() + "Señor\n".encode("cp1252"))])
    assert [document.text for document in reader] == ["Erträge", "Señor"]
    assert reader.notes == ["a.txt: a document a line; UTF-8 and Windows-1252"]


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
def test_byte_order_marks_of_joined_files_are_taken_out(name: str) -> None:
    twice = "\ufefftext\none\n\ufeffone\n"
    part = {"a.txt": "\ufeffone\n", "a.jsonl": '\ufeff{"text": "one"}\n', "a.csv": twice}
    documents = read(name, (part[name] * 2).removesuffix("\ufefftext\none\n\ufeffone\n"))
    assert {document.text for document in documents} == {"one"}


def test_a_name_that_begins_like_an_archive_is_text() -> None:
    assert next(document.text for document in read("a.txt", "PKO Bank rose.\nB fell.")) == "PKO Bank rose."


def test_how_it_was_encoded_is_known_only_from_what_was_read() -> None:
    assert LineReader("a.txt", file("a.txt", b"x")[1], []).encoding == "UTF-8"  # type: ignore[arg-type]


def wrap(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


PARAGRAPHS = [
    f"Note {n}. Revenue from contracts to design and build packaging lines is recognized over time, since the"
    f" lines have no alternative use and we have an enforceable right to payment for {n} machines."
    for n in range(12)
]


@pytest.mark.parametrize("width", [40, 60, 72, 79, 100])
@pytest.mark.parametrize("between", ["\n\n", "\n\n\n"])
def test_wrapped_lines_are_joined_between_blank_ones(width: int, between: str) -> None:
    text = between.join("\n".join(wrap(paragraph, width)) for paragraph in PARAGRAPHS)
    assert [document.text for document in read("a.txt", text)] == PARAGRAPHS


def test_wrapped_lines_without_blank_ones_become_paragraphs() -> None:
    lines = [line for paragraph in PARAGRAPHS for line in wrap(paragraph, 60)]
    reader = Reader([file("a.txt", "\n".join(lines))])
    assert [document.text for document in reader] == PARAGRAPHS
    assert "lines wrapped at" in reader.notes[0]


@pytest.mark.parametrize(
    "lines",
    [
        [f"Headline {n}: shares rise after strong quarter" for n in range(30)],
        [f"sales of unit {n} rose to {n} million , compared with {n + 1}" + " again" * n for n in range(30)],
        SENTENCES,
    ],
)
def test_a_document_a_line_stays_one(lines: list[str]) -> None:
    assert [document.text for document in read("a.txt", "\n".join(lines))] == lines


def test_lines_that_end_inside_a_sentence_are_warned_of() -> None:
    pairs = [(f"Revenue of unit {n} rose in", f"the quarter by {n}% {'x ' * n}.") for n in range(30)]
    halves = [half for pair in pairs for half in pair]
    report = check([file("a.jsonl", "\n".join(json.dumps({"text": half}) for half in halves))], parse({}))
    assert any("end inside a sentence" in warning for warning in report.warnings)


def test_the_financial_phrasebank_is_read_without_its_labels() -> None:
    labelled = [f"{s}@{label}" for s, label in zip(SENTENCES, LABELS, strict=True)]
    reader = Reader([file("a.txt", "\n".join(labelled))])
    assert [document.text for document in reader] == SENTENCES
    assert "labels behind @ left out" in reader.notes[0]


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
    report = check([file("a.jsonl", "\n".join(map(json.dumps, rows)))], parse(settings))
    assert report.prompts_cut == 12 and report.tokens_cut > 5000
    (warning,) = (each for each in report.warnings if "too long for a row" in each)
    assert warning.startswith("12 of 12 prompts") and "set max_input_length to 1152" in warning
    assert report.optimizer_steps == 5


def test_text_that_was_misread_before_is_warned_of() -> None:
    content = "\n".join(f"The companyâ€™s sales rose by {n} million euros." for n in range(30))
    assert any("wrong encoding" in warning for warning in check([file("a.txt", content)], parse({})).warnings)


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_tweets_exported_by_excel_are_read(end: str) -> None:
    rows = [
        f"1.63E+18,{s.replace(',', '')},Sun Feb 26 08:31:37 +0000 2023,DDR,https://trib.al/{n},,2"
        for n, s in enumerate(SENTENCES)
    ]
    content = end.join(["id,text,timestamp,symbols,url,verified,pred_sen", *rows])
    assert [d.text for d in read("tweets.csv", content)] == [s.replace(",", "") for s in SENTENCES]


def test_a_table_of_names_and_figures_has_no_text() -> None:
    authors = ("Daniel Jones", "Hoya Capital", "Stephen Simpson", "Trap Value", "Taylor Dart", "Gen Alpha")
    rows = [f"{authors[n % 6]}{n // 6},{n},{n / 7:.3f}" for n in range(36)]
    assert "no column holds text" in refused("a.csv", "\n".join(["author,time_window,acc_trend", *rows]))


def test_fiqa_is_read_as_it_is_and_its_broken_letters_are_said() -> None:
    content = {
        str(3 * n): {"sentence": f"{s} Deutsche BÃ¶rse", "info": [{"target": "x", "sentiment_score": "0.1"}]}
        for n, s in enumerate(SENTENCES)
    }
    report = check([file("task1_headline_ABSA_train.json", json.dumps(content, indent=2))], parse({}))
    assert report.documents == 30 and report.first is not None
    assert report.first["text"] == f"{SENTENCES[0]} Deutsche BÃ¶rse"
    assert any("wrong encoding" in warning for warning in report.warnings)


def test_json_in_a_file_of_text_is_read_as_records() -> None:
    assert [d.text for d in read("a.txt", "\n".join(map(json.dumps, RECORDS)))] == SENTENCES


def test_a_null_text_is_an_empty_document() -> None:
    rows = [*({"text": s} for s in SENTENCES), {"text": None}]
    report = check([file("a.jsonl", "\n".join(map(json.dumps, rows)))], parse({}))
    assert (report.documents, report.empty, report.errors) == (30, 1, ())


def test_quotes_within_fields_of_a_tab_separated_file_are_text() -> None:
    texts = [f'"Up {n}" said the chair; costs fell.' for n in range(30)]
    content = "\n".join(["id\ttext", *(f"{n}\t{text}" for n, text in enumerate(texts))])
    assert [document.text for document in read("a.tsv", content)] == texts


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


def test_a_text_that_only_repeats_question_and_answer_is_not_learned_whole() -> None:
    rows = [
        {
            "instruction": f"Sum {n}.",
            "input": "",
            "output": f"{n}.",
            "text": f"### Sum {n}.\n### Answer: {n}.",
        }
        for n in range(9)
    ]
    assert [document.text for document in read("a.json", json.dumps(rows))] == [f"{n}." for n in range(9)]


def test_questions_without_answers_are_doubted() -> None:
    reader = Reader([file("a.jsonl", "\n".join(json.dumps({"question": f"Why {s}?"}) for s in SENTENCES))])
    assert len(list(reader)) == 30 and "no column has answers to it" in reader.doubts[0]


def test_rows_of_a_test_side_are_never_trained_on() -> None:
    rows = [{"text": s, "split": ("train", "test", "validation")[n % 3]} for n, s in enumerate(SENTENCES)]
    reader = Reader([file("a.jsonl", "\n".join(map(json.dumps, rows)))])
    assert [document.text for document in reader] == SENTENCES[::3]
    assert len(reader.doubts) == 2 and "column 'split': 10 rows are left out" in reader.doubts[0]
