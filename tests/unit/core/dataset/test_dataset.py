"""Datasets: JumpStart's formats, broken files reported by line, the split, and the check."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dataset import DatasetError, Reader, Source, by_side, check, local_sources
from core.dataset.plain_text import blank_line_separated
from core.dataset.privacy import find_private, luhn_valid
from core.dataset.templates import DEMARCATION
from core.hyperparameters import parse
from tests.unit.core.dataset.reading import DribblingStream, file


def texts(*sources: Source) -> list[str]:
    reader = Reader(sources)
    found = [document.text for document in reader]
    assert reader.problems == []
    return found


def problems(*sources: Source, instruction_tuned: bool = False) -> list[str]:
    reader = Reader(sources, parse({"instruction_tuned": instruction_tuned}))
    list(reader)
    return [str(problem) for problem in reader.problems]


INSTRUCTIONS = parse({"instruction_tuned": "True"})


def prose(documents: int, words: int = 60) -> str:
    return "\n\n".join(
        f"Report {i}. " + "Net revenue rose on volume. " * (words // 5) for i in range(documents)
    )


# --- formats


def test_a_stray_blank_line_does_not_merge_a_thousand_documents() -> None:
    lines = [f"document {i}" for i in range(500)]
    assert not blank_line_separated([*lines, "", *lines])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'id,text\n1,"Revenue, net"\n2,"two\nlines"\n'),
        ("a.csv", '\ufefftext,id\n"Revenue, net",1\n"two\nlines",2\n'),
        ("a.csv", 'anything,id\n"Revenue, net",1\n"two\nlines",2\n'),
        ("a.json", json.dumps([{"id": "x", "text": "Revenue, net"}, {"text": "two\nlines"}])),
        ("a.json", json.dumps(["Revenue, net", "two\nlines"])),
        ("a.jsonl", '{"text": "Revenue, net"}\n\n{"text": "two\\nlines", "id": 2}\n'),
        ("a.json", '{"body": "Revenue, net"}\n{"body": "two\\nlines"}\n'),
    ],
)
def test_the_text_column_or_the_first(name: str, content: str) -> None:
    assert texts(file(name, content)) == ["Revenue, net", "two\nlines"]


def test_a_folder_is_read_through_in_order_without_hidden_files(tmp_path: Path) -> None:
    files = {"b.txt": "b", "a/z.txt": "z", ".hidden.txt": "no", ".git/c.txt": "no", "x.pdf": "?"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    reader = Reader(local_sources(tmp_path))
    assert [(document.source, document.text) for document in reader] == [("a/z.txt", "z"), ("b.txt", "b")]
    assert any(note.startswith("x.pdf: left out") for note in reader.notes)


@pytest.mark.parametrize(
    ("name", "content", "where", "what"),
    [
        ("a.txt", b"fine\nbad \xff byte\n", "a.txt, line 2", "byte 0xff at column 5"),
        ("a.txt", b"PK\x03\x04", "a.txt, line 1", "zip"),
        ("a.jsonl", '{"text": "a"}\n{"text": \n', "a.jsonl, line 2", "not valid JSON"),
        ("a.jsonl", '{"text": "a"}\n{"text": 3}\n', "a.jsonl, line 2", "holds int"),
        ("a.jsonl", '{"text": "a"}\n7\n', "a.jsonl, line 2", "not an object"),
        (
            "a.jsonl",
            '{"dialog": [{"role": "user", "content": "Why?"}]}',
            "a.jsonl, line 1: user and assistant must take turns",
            '{"dialog": [',
        ),
        ("a.json", '[{"text": "a"},', "a.json, line 1", "not valid JSON"),
        ("a.csv", 'id,text\n1,"open', "a.csv, line 2", "not a valid CSV"),
        ("a.csv", "id,text\n1\n", "a.csv, line 2", "1 columns"),
        (
            "template.json",
            '{"prompt": "a", "completion": "{b}"}',
            "template.json",
            "instruction_tuned is False",
        ),
    ],
)
def test_what_is_broken_is_reported_with_its_place(
    name: str, content: str | bytes, where: str, what: str
) -> None:
    (problem,) = problems(file(name, content))
    assert problem.startswith(where)
    assert what in problem


def test_instruction_records_fill_the_template_wherever_it_stands() -> None:
    template = json.dumps({"prompt": "Q: {question}", "completion": "{answer}"})
    record = json.dumps({"question": "What is {this}?", "answer": "EBITDA"})
    reader = Reader([file("data.jsonl", record), file("template.json", template)], INSTRUCTIONS)
    (document,) = list(reader)
    assert (document.prompt, document.text) == ("Q: What is {this}?" + DEMARCATION, "EBITDA")


def test_an_instruction_record_without_a_column_names_it() -> None:
    (problem,) = problems(file("data.jsonl", '{"prompt": "a"}'), instruction_tuned=True)
    assert problem.startswith("data.jsonl, line 1: the record lacks completion")


@given(st.lists(st.text(alphabet="aé€\u2028\x85 x", min_size=1, max_size=8).filter(str.strip), max_size=6))
def test_lines_survive_any_cut_of_the_stream(lines: list[str]) -> None:
    content = "\n".join(lines).encode()
    assert [d.text for d in Reader([("a.txt", DribblingStream(content, 1))])] == lines


# --- check


def test_a_good_dataset_is_summed_up_in_a_sentence() -> None:
    settings = parse({"max_input_length": "64", "per_device_train_batch_size": "1"})
    report = check([file("a.txt", prose(100))], settings)
    assert report.ok
    assert (report.documents, report.training_documents, report.validation_documents) == (100, 80, 20)
    assert report.optimizer_steps == report.steps_per_epoch * 5
    assert report.warnings == ()
    assert report.sentence.startswith("100 documents (35 kB")


def test_limits_on_samples_count_in_the_check() -> None:
    report = check([file("a.txt", prose(30))], parse({"max_train_samples": "7", "max_val_samples": "3"}))
    assert (report.training_documents, report.validation_documents) == (7, 3)


def test_too_little_data_is_said_with_a_remedy() -> None:
    report = check([file("a.txt", prose(8))], parse({}))
    assert report.optimizer_steps < 50
    assert any("very little text: 5 optimizer steps" in w and "set epoch to 50" in w for w in report.warnings)
    assert any("held out" in warning for warning in report.warnings)


@pytest.mark.parametrize(
    ("sources", "settings", "error"),
    [
        ([], {}, "no .txt"),
        ([("a.pdf", b"?")], {}, "no .txt"),
        ([("a.txt", b"\n \n")], {}, "no text"),
        ([("a.txt", b"only one")], {}, "held out"),
        ([("a.txt", b"a\nb\nc\nd")], {"validation_split_ratio": "0"}, "held out"),
        ([("a.txt", b"a\nb\xff\nc\nd")], {}, "line 2"),
    ],
)
def test_what_cannot_be_trained_on_is_an_error(
    sources: list[tuple[str, bytes]], settings: dict[str, str], error: str
) -> None:
    report = check([file(*source) for source in sources], parse(settings))
    assert not report.ok
    assert error in report.errors[0]
    assert report.sentence.startswith("This dataset cannot be used")
    with pytest.raises(DatasetError) as caught:
        report.raise_for_errors()
    assert caught.value.problems == report.errors


def test_many_problems_are_counted_and_not_all_printed() -> None:
    report = check([file("a.txt", b"\xff\n" * 40)], parse({}))
    assert report.encoding_errors == 40
    with pytest.raises(DatasetError, match="and 30 more"):
        report.raise_for_errors()


def test_what_is_wrong_everywhere_in_the_same_way_is_said_once() -> None:
    records = json.dumps([{"table": {}, "n": n} for n in range(40)]).encode()
    (problem, *_) = check([file("a.json", records)], parse({})).errors
    assert "column 'table' holds dict" in problem and "(40 times)" in problem


@pytest.mark.parametrize(("asked", "answer"), [("instruction", "response"), ("prompt", "completion")])
def test_instructions_are_recognised_without_a_setting(asked: str, answer: str) -> None:
    records = "".join(json.dumps({asked: f"Question {n}?", answer: f"Answer {n}."}) + "\n" for n in range(9))
    documents = [list(Reader([file("a.jsonl", records)], hp)) for hp in (parse({}), INSTRUCTIONS)]
    assert documents[0] == documents[1]
    assert [document.text for document in documents[0]] == [f"Answer {n}." for n in range(9)]
    assert all(document.prompt and asked not in document.text for document in documents[0])
    assert not any(asked in text for text in check([file("a.jsonl", records)], INSTRUCTIONS).warnings)
    table = "".join(json.dumps({"text": f"Text {n}.", asked: "x", answer: "y"}) + "\n" for n in range(9))
    assert texts(file("a.jsonl", table)) == [f"Text {n}." for n in range(9)]
    assert not any(asked in text for text in check([file("a.jsonl", table)], parse({})).warnings)


def test_a_validation_folder_is_held_out_and_nothing_else() -> None:
    given = "held out one\nheld out two\n"
    sources = [file("a.txt", prose(30)), file("validation/b.txt", given)]
    inside, held_out = by_side(sources)
    assert [name for name, _ in inside] == ["a.txt"]
    assert held_out is not None and [name for name, _ in held_out] == ["validation/b.txt"]
    report = check([file("a.txt", prose(30)), file("validation/b.txt", given)], parse({}))
    assert (report.training_documents, report.validation_documents) == (30, 2)


def test_the_template_at_the_top_serves_the_validation_folder_too() -> None:
    template = file("template.json", b'{"prompt": "{q}", "completion": "{a}"}')
    _, held_out = by_side([file("a.jsonl", b""), template, file("validation/b.jsonl", b"")])
    assert held_out is not None and [name for name, _ in held_out] == ["template.json", "validation/b.jsonl"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to jane.doe+x@example.co.uk today", "e-mail address"),
        ("key AKIAIOSFODNN7EXAMPLE here", "AWS access key"),
        ("-----BEGIN RSA PRIVATE KEY-----", "private key"),
        ("api_key = 's3cr3tvalue'", "password or API key"),
        ("SSN 536-22-1234", "US social security number"),
        ("paid with 4111 1111 1111 1111.", "payment card number"),
        ("paid with 378282246310005", "payment card number"),
    ],
)
def test_private_data_is_found_by_kind(text: str, kind: str) -> None:
    assert list(find_private(text)) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "revenue of 4,111,111,111,111,111 dollars",
        "order 4111 1111 1111 1112",
        "from 2016 2017 2018 2019",
        "range 000-12-3456 and 900-12-3456",
        "the password must be changed; follow @company",
        "ISIN US0378331005, CUSIP 037833100",
    ],
)
def test_figures_and_names_are_no_private_data(text: str) -> None:
    assert list(find_private(text)) == []


def test_findings_are_counted_but_never_quoted() -> None:
    report = check([file("a.txt", prose(30) + "\n\nmail jane@example.com")], parse({}))
    assert report.private == {"e-mail address": 1}
    assert "jane@example.com" not in json.dumps(report.to_dict())
    assert any("first in a.txt, document 31" in warning for warning in report.warnings)


@given(st.integers(0, 10**15))
def test_luhn_catches_every_single_wrong_digit(number: int) -> None:
    body = f"{number:015d}"
    valid = next(body + str(d) for d in range(10) if luhn_valid(body + str(d)))
    wrong = str((int(valid[3]) + 1) % 10)
    assert not luhn_valid(valid[:3] + wrong + valid[4:])
