"""What people bring: encodings, separators, headers, arrangements of JSON, columns, instructions, dialogs."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.dataset import Document, Intake, Reader, check, local_sources
from core.dataset.lines import LineReader
from core.dataset.plain_text import layout_of
from core.dataset.sources import sides_of
from core.dataset.templates import DEMARCATION, parse_template
from core.hyperparameters import HyperparameterError, parse
from tests.unit.core.dataset.test_dataset import file

SENTENCES = [f"Brackwater Mills, of city {n}, sold {n} tonnes of paper; costs rose." for n in range(30)]
LABELS = ["neutral", "positive", "negative"] * 10


def read(name: str, content: str | bytes, **settings: str) -> list[Document]:
    reader = Reader([file(name, content)], parse(settings))
    documents = list(reader)
    assert reader.problems == []
    return documents


def refused(name: str, content: str | bytes, **settings: str) -> str:
    report = check([file(name, content)], parse(settings))
    assert not report.ok
    return "\n".join(report.errors)


def pairs_of(documents: list[Document]) -> list[tuple[str, str]]:
    return [(str(document.prompt).removesuffix(DEMARCATION), document.text) for document in documents]


# --- encodings and line ends


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", "; UTF-16"),
        ("utf-32", "; UTF-32"),
        ("cp1252", "; Windows-1252"),
    ],
)
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
    part = {
        "a.txt": "\ufeffone\n",
        "a.jsonl": '\ufeff{"text": "one"}\n',
        "a.csv": "\ufefftext\none\n\ufeffone\n",
    }
    documents = read(name, (part[name] * 2).removesuffix("\ufefftext\none\n\ufeffone\n"))
    assert {document.text for document in documents} == {"one"}


def test_a_name_that_begins_like_an_archive_is_text() -> None:
    assert next(document.text for document in read("a.txt", "PKO Bank rose.\nB fell.")) == "PKO Bank rose."


def test_how_it_was_encoded_is_known_only_from_what_was_read() -> None:
    assert LineReader("a.txt", file("a.txt", b"x")[1], []).encoding == "UTF-8"  # type: ignore[arg-type]


# --- layouts of text


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
    halves = [
        half
        for n in range(30)
        for half in (f"Revenue of unit {n} rose in", f"the quarter by {n}% {'x ' * n}.")
    ]
    report = check([file("a.jsonl", "\n".join(json.dumps({"text": half}) for half in halves))], parse({}))
    assert any("end inside a sentence" in warning for warning in report.warnings)


def test_the_financial_phrasebank_is_read_without_its_labels() -> None:
    labelled = [f"{s}@{label}" for s, label in zip(SENTENCES, LABELS, strict=True)]
    reader = Reader([file("a.txt", "\n".join(labelled))])
    assert [document.text for document in reader] == SENTENCES
    assert "labels behind @ left out" in reader.notes[0]


def test_layouts_have_names() -> None:
    assert str(layout_of(["a"])) == "a document a line"


# --- tables


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


def test_a_table_without_header_loses_no_row() -> None:
    rows = [f'{label},"{s}"' for s, label in zip(SENTENCES, LABELS, strict=True)]
    reader = Reader([file("a.csv", "\n".join(rows))])
    assert [document.text for document in reader] == SENTENCES
    assert "the first line is no header" in reader.notes[0] and reader.doubts


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


# --- arrangements of JSON

RECORDS: list[dict[str, Any]] = [{"id": n, "sentence": s} for n, s in enumerate(SENTENCES)]
COLUMNS: dict[str, list[Any]] = {name: [record[name] for record in RECORDS] for name in ("id", "sentence")}


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
    ids=[
        "array",
        "data",
        "rows",
        "viewer",
        "splits",
        "numbered",
        "named",
        "pandas",
        "columns",
        "split",
        "table",
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_json_is_read_however_it_is_arranged(content: Any, indent: int | None) -> None:
    documents = read("a.json", json.dumps(content, indent=indent))
    assert [document.text for document in documents] == SENTENCES


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson"])
def test_objects_one_after_another_are_read(name: str) -> None:
    for content in ("\n".join(map(json.dumps, RECORDS)), "\n".join(json.dumps(r, indent=2) for r in RECORDS)):
        assert [document.text for document in read(name, content)] == SENTENCES


# --- instructions


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("prompt", "completion"),
        ("prompt", "response"),
        ("Question", "Answer"),
        ("query", "response"),
        ("input", "output"),
        ("context", "target"),
        ("user", "assistant"),
    ],
)
@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_pairs_are_recognised_and_their_answers_learned(asked: str, answered: str, suffix: str) -> None:
    rows = [{"id": n, asked: f"What of {n}, then?", answered: f"It rose by {n}."} for n in range(30)]
    lines = [f'{n},"What of {n}, then?",It rose by {n}.' for n in range(30)]
    table = "\n".join([f"id,{asked},{answered}", *lines])
    content = table if suffix == ".csv" else "\n".join(map(json.dumps, rows))
    documents = read(f"a{suffix}", content)
    assert pairs_of(documents) == [(f"What of {n}, then?", f"It rose by {n}.") for n in range(30)]


def test_alpaca_takes_jumpstarts_template() -> None:
    rows = [
        {"instruction": f"Sum {n}.", "input": "" if n else "1 2", "output": str(n), "text": ""}
        for n in range(9)
    ]
    (first, second, *_), settings = read("a.json", json.dumps(rows)), {"instruction_tuned": "True"}
    assert first.prompt is not None and "### Instruction:\nSum 0.\n\n### Input:\n1 2" in first.prompt
    assert second.prompt is not None and "Sum 1.\n\n### Input:\n\n" in second.prompt
    assert read("a.json", json.dumps(rows), **settings)[0] == first


def test_an_input_may_be_null_or_missing_and_values_may_be_objects() -> None:
    rows = [
        {
            "instruction": "A",
            "context": None,
            "response": {"sentiment": "positive", "score": 0.5, "note": None},
        },
        {"instruction": "B", "response": ["x", True]},
    ]
    answers = [document.text for document in read("a.jsonl", "\n".join(map(json.dumps, rows)))]
    assert answers == ['{"sentiment": "positive", "score": 0.5, "note": null}', '["x", true]']


@pytest.mark.parametrize(
    ("template", "record", "wanted"),
    [
        (
            {"prompt": "{User Question}", "completion": "{a-b}"},
            {"User Question": "Q", "a-b": "A"},
            ("Q", "A"),
        ),
        (
            {"prompt": "{m[x]} {t[1]}", "completion": "{a}"},
            {"m": {"x": 1}, "t": ["p", "q"], "a": "A"},
            ("1 q", "A"),
        ),
        ({"prompt": '{{"q": {q}}}', "completion": "{{{a}}}"}, {"q": "Q", "a": "A"}, ('{"q": Q}', "{A}")),
        ({"prompt": "{q}{c}", "completion": "{a:.2f}"}, {"q": "Q", "c": None, "a": 2}, ("Q", "2.00")),
    ],
)
def test_a_template_is_filled_as_str_format_does(
    template: dict[str, str], record: dict[str, Any], wanted: tuple[str, str]
) -> None:
    assert parse_template(json.dumps(template)).fill(record, demarcation=False) == wanted


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("no placeholder", "the prompt has no {column}"),
        ("{}", "a placeholder has no name"),
        ("{q", "cannot be filled"),
        ("{q:>999999999}", "cannot be used"),
        ("{q!x}", "not known"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused(prompt: str, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_template(json.dumps({"prompt": prompt, "completion": "{a}"}))
    assert words in str(caught.value)


def test_a_template_never_reaches_what_python_keeps_in_objects() -> None:
    template = parse_template('{"prompt": "{q.__class__}", "completion": "{a}"}')
    assert template.missing({"q": "x", "a": "y"}) == ["q.__class__"]


def test_a_misspelt_placeholder_is_one_error_that_names_the_columns(tmp_path: Path) -> None:
    (tmp_path / "template.json").write_text('{"prompt": "{questions}", "completion": "{a}"}')
    lines = [json.dumps({"question": f"{n}?", "a": f"{n}."}) for n in range(40)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    (error,) = check(local_sources(tmp_path), parse({"instruction_tuned": "True"})).errors
    assert "no record has questions" in error and "'question', 'a'" in error


def test_answers_that_are_all_the_same_are_an_error() -> None:
    rows = "\n".join(json.dumps({"question": f"{n}?", "answer": "yes"}) for n in range(30))
    assert "holds the same in every record" in refused("a.jsonl", rows)


# --- dialogs

MESSAGES = [{"role": "user", "content": "Sales?"}, {"role": "assistant", "content": "Up."}]
SHAREGPT = [{"from": "human", "value": "Sales?"}, {"from": "gpt", "value": "Up."}]


@pytest.mark.parametrize(
    "record",
    [
        {"id": "7", "dialog": MESSAGES},
        {"messages": MESSAGES},
        {"id": "7", "conversations": SHAREGPT},
        {"messages": [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in MESSAGES]},
        {"messages": [{**m, "content": [{"text": m["content"]}]} for m in MESSAGES], "schemaVersion": "x"},
        MESSAGES,
        {"text": "<s>[INST] Sales? [/INST] Up. </s>"},
        {"text": "<|im_start|>user\nSales?<|im_end|>\n<|im_start|>assistant\nUp.<|im_end|>\n"},
    ],
    ids=["dialog", "messages", "sharegpt", "parts", "bedrock", "bare", "llama", "chatml"],
)
def test_dialogs_are_recognised_whatever_they_are_called(record: Any) -> None:
    line = json.dumps(record)
    for content in (f"{line}\n{line.replace('Sales', 'Costs')}", f"[{line}, {line}]"):
        first, *_ = read("a.jsonl", content)
        assert first.messages == (("user", "Sales?"), ("assistant", "Up."))
        assert first.turns == (("[INST] Sales? [/INST]", "Up."),)


def test_a_system_message_comes_from_wherever_it_stands() -> None:
    beside = {"system": "Be brief.", "conversations": SHAREGPT}
    within = {"messages": [{"role": "system", "content": "Be brief."}, *MESSAGES]}
    marked = {"text": "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nSales? [/INST] Up."}
    for record in (beside, within, marked):
        (document,) = read("a.jsonl", json.dumps(record))
        assert document.messages[0] == ("system", "Be brief.")
        assert document.prompt == "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nSales? [/INST]"


def test_messages_one_by_one_are_an_error() -> None:
    assert "put the messages of a dialog into one record" in refused("a.json", json.dumps(MESSAGES * 5))


def test_marks_at_the_ends_of_a_text_are_taken_off_and_said() -> None:
    reader = Reader([file("a.jsonl", "\n".join(json.dumps({"text": f"<s> {s} </s>"}) for s in SENTENCES))])
    assert [document.text for document in reader] == SENTENCES
    assert "30 texts hold a model's marks" in reader.doubts[0]


# --- sides


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


# --- what is said


def test_the_check_says_what_was_understood_and_shows_the_first_document() -> None:
    content = "\n".join(["Frage;answer", *(f"Was {n}?;Nichts {n}." for n in range(30))]).encode("cp1252")
    report = check([file("a.csv", content)], parse({"prompt_column": "frage", "completion_column": "answer"}))
    (understood,) = report.understood
    assert (understood.form, understood.separator) == ("instructions", ";") and understood.columns == (
        "Frage",
        "answer",
    )
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


# --- files of the field, in small


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
