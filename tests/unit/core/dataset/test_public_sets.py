"""Public sets are read by their own field names; the rows here are rebuilt in their shape, with own text."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.dataset import Question, Reader, check, local_sources
from core.dataset.question_files import read_questions
from core.hyperparameters import parse
from tests.unit.core.dataset.reading import json_lines

PAGE: dict[str, Any] = {
    "pre_text": ["sales of ferries rose in 2019 .", "all amounts in millions ."],
    "table": [["", "2019", "2018"], ["revenue", "120", "100"]],
    "post_text": ["the company has no debt ."],
    "filename": "FER/2019/page_1.pdf",
}
FINQA = PAGE | {
    "id": "FER/2019/page_1.pdf-1",
    "qa": {"question": "how did revenue change?", "answer": "20%", "exe_ans": 0.2, "program": "…"},
}
TURNS = {"dialogue_break": ["what was revenue?", "and before?"], "exe_ans_list": [120.0, 100.0]}
CONVERSATION = PAGE | {"id": "Single_FER-1", "annotation": TURNS, "qa": {"question": "…", "answer": "…"}}
TURN = PAGE | {
    "id": "Single_FER-1_1",
    "annotation": TURNS | {"cur_dial": TURNS["dialogue_break"], "exe_ans": 100.0, "turn_ind": 1},
    "qa": {"question": "…", "answer": "…"},
}
FINANCEBENCH = {
    "financebench_id": "financebench_id_1",
    "company": "Ferries",
    "doc_name": "FERRIES_2019_10K",
    "question": "What was capital expenditure?",
    "answer": "$1577.00",
    "evidence": [{"evidence_text": "Purchases of ships: 1,577", "doc_name": "x", "evidence_page_num": 3}],
}
SENTENCE = FINANCEBENCH | {
    "financebench_id": "financebench_id_2",
    "answer": "Yes. The margin rose by two points in the year, since fuel cost much less than it did before.",
}
TATQA = {
    "table": {"uid": "t", "table": PAGE["table"]},
    "paragraphs": [{"uid": "p", "order": 1, "text": "The ferries were new."}],
    "questions": [
        {"uid": "a", "question": "What was revenue?", "answer": ["120"], "scale": "million"},
        {"uid": "b", "question": "What were the ferries?", "answer": ["new"], "scale": ""},
    ],
}
FLARE = {
    "id": "fpb0",
    "query": "Analyze the sentiment of this statement.\nText: Profit rose.\nAnswer:",
    "answer": "positive",
    "text": "Profit rose.",
    "choices": ["negative", "positive", "neutral"],
    "gold": 1,
}
FIQA = {"sentence": "Ferries soar.", "info": [{"target": "Ferries", "sentiment_score": "0.4"}]}
PHRASEBANK = {"sentence": "Profit rose.", "label": 2}
ECTSUM = {"text": "Good day. Revenue rose by 5%.", "summary": "revenue rose 5%"}
MMLU = {"question": "What is 2 + 2?", "subject": "sums", "choices": ["3", "4", "5", "6"], "answer": 1}

EVERY = {
    "TAT-QA": TATQA,
    "FinQA": FINQA,
    "ConvFinQA": CONVERSATION,
    "FinanceBench": FINANCEBENCH,
    "FLARE": FLARE,
    "FiQA": FIQA,
    "Financial PhraseBank": PHRASEBANK,
    "ECTSum": ECTSUM,
    "MMLU": MMLU,
}
CONTEXT = (
    "sales of ferries rose in 2019 . all amounts in millions .\n | 2019 | 2018\nrevenue | 120 | 100\n"
    "the company has no debt ."
)


def asked(*records: dict[str, Any]) -> list[Question]:
    return asked_in("questions.jsonl", json_lines(list(records)))


def asked_in(name: str, content: str | bytes) -> list[Question]:
    raw = content.encode() if isinstance(content, str) else content
    found, problems = read_questions(name, io.BytesIO(raw))
    assert problems == []
    return found


def test_finqa_is_asked_with_its_page_and_both_answers() -> None:
    (question,) = asked(FINQA)
    assert question.context == CONTEXT
    assert (question.answers, question.accepted) == (("20%",), (("0.2",),))
    assert (question.id, question.group) == ("FER/2019/page_1.pdf-1", "FER/2019/page_1.pdf")


def test_an_empty_answer_of_finqa_gives_way_to_the_calculated_one() -> None:
    (question,) = asked(FINQA | {"qa": {"question": "more?", "answer": "", "exe_ans": "yes"}})
    assert (question.answers, question.accepted) == (("yes",), ())


def test_convfinqa_asks_each_turn_after_those_before() -> None:
    first, second = asked(CONVERSATION)
    assert (first.question, first.answers, first.context) == ("what was revenue?", ("120.0",), CONTEXT)
    assert second.context == f"{CONTEXT}\nAsked before: what was revenue?"
    (turn,) = asked(TURN)
    assert (turn.question, turn.answers, turn.context) == (second.question, ("100.0",), second.context)
    assert first.group == second.group == turn.group == PAGE["filename"]


def test_financebench_is_asked_with_its_evidence() -> None:
    short, long = asked(FINANCEBENCH, SENTENCE)
    assert (short.context, short.group) == ("Purchases of ships: 1,577", "FERRIES_2019_10K")
    assert (short.free, long.free) == (False, True)


@pytest.mark.parametrize(
    ("record", "question", "choices", "right"),
    [
        (PHRASEBANK, "News: Profit rose.\nIs it positive, negative or neutral?", 3, "positive"),
        (PHRASEBANK | {"label": "Neutral"}, "Profit rose.", 3, "neutral"),
        (FIQA, "Is it positive, negative or neutral about Ferries?", 3, "positive"),
        ({"sentence": "Ferries sink.", "target": "Ferries", "score": -0.6}, "about Ferries?", 3, "negative"),
        (FLARE, "Text: Profit rose.", 3, "positive"),
        (MMLU, "What is 2 + 2?", 4, "4"),
    ],
)
def test_labels_become_choices(record: dict[str, Any], question: str, choices: int, right: str) -> None:
    (found,) = asked(record)
    assert question in found.question
    assert (len(found.choices), found.choices[found.right]) == (choices, right)
    assert not found.question.endswith("Answer:")


def test_the_phrasebanks_own_file_is_read_as_it_is() -> None:
    lines = "Gewinn von Müller stieg .@positive\nThe meeting is on 3 May .@neutral\n".encode("latin-1")
    found = asked_in("questions/Sentences_50Agree.txt", lines)
    assert [each.choices[each.right] for each in found] == ["positive", "neutral"]
    assert "Müller" in found[0].question


def test_a_summary_is_free_and_keeps_its_call() -> None:
    (found,) = asked(ECTSUM)
    assert (found.free, found.answers, found.context) == (True, ("revenue rose 5%",), ECTSUM["text"])


@pytest.mark.parametrize("name", EVERY)
def test_the_check_names_each_set_with_its_licence(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\nfour")
    (tmp_path / "questions.json").write_text(json.dumps([EVERY[name]]))
    report = check(local_sources(tmp_path), parse({}))
    assert report.errors == ()
    assert f"of {name}, licence: " in next(note for note in report.notes if note.startswith("questions"))


@pytest.mark.parametrize("name", EVERY)
def test_a_record_that_is_not_whole_is_named(name: str) -> None:
    broken = {key: 7 for key in EVERY[name]} | {"question": 7, "query": 7, "sentence": 7}
    found, problems = read_questions("q.json", io.BytesIO(json.dumps([broken]).encode()))
    assert found == []
    assert len(problems) == 1


@pytest.mark.parametrize("name", ["FinQA", "ConvFinQA", "FinanceBench", "FLARE", "MMLU"])
def test_sets_of_questions_are_learned_as_instructions(name: str, tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text(json.dumps([EVERY[name]]))
    reader = Reader(local_sources(tmp_path), parse({}))
    documents = list(reader)
    assert reader.problems == []
    expected = asked(EVERY[name])
    assert [document.text for document in documents] == [each.as_instruction()[1] for each in expected]
    for document, question in zip(documents, expected, strict=True):
        assert document.prompt is not None
        assert question.question in document.prompt
        assert question.context in document.prompt
        assert document.group == question.group
    assert "licence" in reader.notes[0]


@pytest.mark.parametrize("name", ["TAT-QA", "FiQA", "Financial PhraseBank", "ECTSum"])
def test_sets_of_text_are_learned_as_text_unless_instructions_are_wanted(name: str, tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text(json.dumps([EVERY[name]]))
    (text,) = Reader(local_sources(tmp_path), parse({}))
    assert text.prompt is None
    asked_for = list(Reader(local_sources(tmp_path), parse({"instruction_tuned": "True"})))
    assert [d.text for d in asked_for] == [each.as_instruction()[1] for each in asked(EVERY[name])]


def test_the_settings_columns_come_before_a_public_set(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(json.dumps(FLARE) + "\n" + json.dumps(FLARE | {"text": "Down."}))
    documents = list(Reader(local_sources(tmp_path), parse({"text_column": "text"})))
    assert [document.text for document in documents] == ["Profit rose.", "Down."]


@pytest.mark.parametrize("folder", ["", "data/final/train/"])
def test_ectsums_folders_become_a_call_with_its_summary(folder: str, tmp_path: Path) -> None:
    for part, text in (("ects", "Good day.\nRevenue rose by 5%."), ("gt_summaries", "revenue rose 5%")):
        place = tmp_path / folder / part
        place.mkdir(parents=True)
        for ticker in ("FER_q1_2021.txt", "SEA_q1_2021.txt"):
            (place / ticker).write_text(text + f"\n{ticker}")
    documents = list(Reader(local_sources(tmp_path), parse({})))
    lines = ["revenue rose 5%\nFER_q1_2021.txt", "revenue rose 5%\nSEA_q1_2021.txt"]
    assert [document.text for document in documents] == lines
    assert all(document.prompt and "Good day.\nRevenue" in document.prompt for document in documents)
    assert {document.task for document in documents} == {""}


def test_ectsums_folders_below_questions_are_asked(tmp_path: Path) -> None:
    for part in ("ects", "gt_summaries"):
        place = tmp_path / "questions" / "test" / part
        place.mkdir(parents=True)
        (place / "FER_q1_2021.txt").write_text(f"{part} rose 5%")
    reader = Reader(local_sources(tmp_path), parse({}))
    assert list(reader) == []
    (question,) = reader.questions
    assert (question.id, question.answers) == ("FER_q1_2021", ("gt_summaries rose 5%",))


def test_files_in_a_folder_of_questions_are_asked_whatever_their_side(tmp_path: Path) -> None:
    (tmp_path / "questions").mkdir()
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\nfour")
    (tmp_path / "questions" / "test.json").write_text(json.dumps([FINQA]))
    (tmp_path / "questions" / "dev.json").write_text(json.dumps([TURN]))
    reader = Reader(local_sources(tmp_path), parse({}))
    assert len(list(reader)) == 4
    assert len(reader.questions) == 2
    report = check(local_sources(tmp_path), parse({}))
    assert report.errors == ()
    assert sum("1 question," in note for note in report.notes) == 2


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("question,answer", '"How much, then?",12.5%', ("How much, then?", ("12.5%",))),
        ("id;Query;Ground truth;Scale", "q1;How much?;12.5;million", ("How much?", ("12.5",))),
        ("Prompt\tExpected answer\tContext", "How much?\t3\tIt is 3.", ("How much?", ("3",))),
        ("question,answers", 'Which?,"[""a"", ""b""]"', ("Which?", ("a", "b"))),
        ("Question,A,B,C,Correct", "Which?,x,y,z,B", ("Which?", ("y",))),
        ("question,option_1,option_2,answer", "Which?,x,y,y", ("Which?", ("y",))),
        ("question,choices,answer", 'Which?,"[""x"", ""y""]",0', ("Which?", ("x",))),
        ("question,gold_answer,document", "How much?,3,report.pdf", ("How much?", ("3",))),
    ],
)
def test_a_table_has_any_documented_names(header: str, row: str, expected: tuple[str, Any]) -> None:
    suffix = "tsv" if "\t" in header else "csv"
    (found,) = asked_in(f"questions.{suffix}", f"{header}\n{row}\n")
    assert (found.question, found.answers) == expected
    assert found.group == ("report.pdf" if "document" in header else "")


def test_a_row_without_an_answer_is_named_with_its_line() -> None:
    _, problems = read_questions("questions.csv", io.BytesIO(b"question,answer\nHow much?,3\nAnd then?,\n"))
    assert [(problem.line, "`answer` is missing" in problem.message) for problem in problems] == [(3, True)]


def varied(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Six records of one set that differ."""
    text = json.dumps(record)
    for word in ("rose", "ferries", "Ferries", "2 + 2", "capital", "soar", "new"):
        text = text.replace(word, f"{word}@")
    return [json.loads(text.replace("@", str(number))) for number in range(6)]


def as_table(records: list[dict[str, Any]], cell: Callable[[Any], str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(records[0]))
    writer.writeheader()
    for record in records:
        writer.writerow({name: v if isinstance(v, str | int) else cell(v) for name, v in record.items()})
    return out.getvalue()


#: How people store what they loaded: the file's ending, and its text.
DUMPS: dict[str, tuple[str, Callable[[list[dict[str, Any]]], str]]] = {
    "a list": ("json", json.dumps),
    "an indented list": ("json", lambda records: json.dumps(records, indent=2)),
    "a list in an object": ("json", lambda records: json.dumps({"version": "1.0", "data": records})),
    "a named side": ("json", lambda records: json.dumps({"train": records})),
    "rows of a viewer": (
        "json",
        lambda records: json.dumps({"features": [], "rows": [{"row_idx": 0, "row": r} for r in records]}),
    ),
    "columns": ("json", lambda records: json.dumps({n: [r[n] for r in records] for n in records[0]})),
    "columns of pandas": (
        "json",
        lambda rs: json.dumps({n: {str(i): r[n] for i, r in enumerate(rs)} for n in rs[0]}),
    ),
    "rows by number": ("json", lambda records: json.dumps(dict(enumerate(records)))),
    "a table with JSON in it": ("csv", lambda records: as_table(records, json.dumps)),
    "a table as Python prints it": ("csv", lambda records: as_table(records, repr)),
}


#: TAT-QA's tables stand first in its columns and look like records: an error says so, nothing is misread.
STORED = [(name, dump) for name in EVERY for dump in DUMPS if (name, dump) != ("TAT-QA", "columns")]


@pytest.mark.parametrize(("name", "dump"), STORED)
def test_a_set_is_the_same_however_it_was_stored(name: str, dump: str, tmp_path: Path) -> None:
    records = varied(EVERY[name])
    ending, written = DUMPS[dump]
    found = asked_in(f"questions.{ending}", written(records))
    kept = [replace(question, source="", id="") for question in found]
    assert kept == [replace(question, source="", id="") for question in asked(*records)]
    lines = json_lines(records)
    for side, text in (("lines/reports.jsonl", lines), (f"other/reports.{ending}", written(records))):
        (tmp_path / side).parent.mkdir()
        (tmp_path / side).write_text(text)
    reports = [check(local_sources(tmp_path / side), parse({})) for side in ("lines", "other")]
    assert reports[0].documents == reports[1].documents
    assert [len(report.errors) for report in reports] == [0, 0]


def test_choices_are_read_as_numpy_prints_them() -> None:
    table = "question,subject,choices,answer\nWhat is 2 + 2?,sums,\"['3' '4'\n 'five' \"\"don't\"\"]\",1\n"
    found = asked_in("questions.csv", table)
    assert [question.choices for question in found] == [("3", "4", "five", "don't")]
