"""Files that are hardly a dataset are read, or refused with file and reason; they never cause a crash."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dataset import Intake, Problem, Reader, Source, check, local_sources
from core.dataset.json_records import records
from core.dataset.lines import LONGEST_LINE_BYTES, READ_BYTES, LineReader
from core.dataset.recognising import SAMPLE_RECORDS
from core.dataset.tables import SAMPLE_LINES
from core.hyperparameters import parse
from tests.unit.core.dataset.reading import DribblingStream

SETTINGS = [parse(given) for given in ({}, {"instruction_tuned": "True"}, {"chat_dataset": "True"})]
NAMES = ["a.txt", "a.csv", "a.json", "a.jsonl", "template.json", "questions.jsonl", "validation/a.txt"]

LONG_BLOCK = (b"x" * 999 + b"\n") * (LONGEST_LINE_BYTES // 1000 + 2)
#: Byte strings that formats trip over, put together in any order.
SCRAPS = [
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\xff", b"\xc3", b"\r\n", b"\n\n", b"\n", b'"', b'""', b","),
    *(b"[", b"]", b"{", b"}", b":", b"text", b"NaN", b"null", b"9" * 5000, b"[" * 2000),
    *(b'{"text": "a"}', b'{"text": "\\ud800"}', b'{"text": 1e999}', b'{"question": "a", "answer": "b"}'),
    b'{"dialog": [{"role": "user", "content": "a"}]}',
    b'{"prompt": "{a}", "completion": "{a}"}',
    b'{"questions": [{}], "paragraphs": [{"order": "x"}, {"order": 1}]}',
]
odd = st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(SCRAPS), max_size=12).map(b"".join))


@given(st.lists(st.tuples(st.sampled_from(NAMES), odd), max_size=3), st.sampled_from(SETTINGS))
def test_whatever_files_hold_the_check_says_what_is_wrong(files: list[tuple[str, bytes]], hp: Any) -> None:
    report = check([(name, io.BytesIO(content)) for name, content in files], hp)
    assert report.ok or all(report.errors)
    json.dumps(report.to_dict()).encode()
    report.sentence.encode()


@given(odd, st.sampled_from(NAMES[:4]), st.integers(1, 7), st.sampled_from(SETTINGS))
def test_how_a_stream_is_cut_changes_nothing(content: bytes, name: str, step: int, hp: Any) -> None:
    seen = []
    for stream in (io.BytesIO(content), DribblingStream(content, step)):
        reader = Reader([(name, stream)], hp)
        # Of two faults in one array, how far it was read decides which is reported.
        seen.append((list(reader), reader.notes, bool(reader.problems)))
    assert seen[0] == seen[1]


BEGINNINGS = {
    "a.csv": b"text,id\n" + b"".join(b"Sales of %d rose.,%d\n" % (n, n) for n in range(SAMPLE_LINES)),
    "a.jsonl": b"".join(b'{"text": "Sales of %d rose."}\n' % n for n in range(SAMPLE_RECORDS)),
    "a.json": b"[" + b"".join(b'{"text": "Sales of %d rose."},\n' % n for n in range(SAMPLE_RECORDS)),
}


@given(odd, st.sampled_from(sorted(BEGINNINGS)), st.integers(0, 60))
def test_reading_only_the_beginning_finds_real_documents(content: bytes, name: str, limit: int) -> None:
    """The form of a file is decided by its beginning; limits in the cloud lie behind it."""
    content = BEGINNINGS[name] + content
    whole = {document.text for document in Reader([(name, io.BytesIO(content))])}
    part = Reader([(name, io.BytesIO(content))], limits={name: len(BEGINNINGS[name]) + limit})
    assert {document.text for document in part} <= whole


@given(odd, st.sampled_from(NAMES[:4]), st.integers(0, 60))
def test_any_beginning_of_any_file_can_be_read(content: bytes, name: str, limit: int) -> None:
    assert all(isinstance(d.text, str) for d in Reader([(name, io.BytesIO(content))], limits={name: limit}))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(values, max_size=6), st.integers(1, 5), st.booleans())
def test_an_array_is_read_as_the_whole_would_be(items: list[Any], step: int, spaced: bool) -> None:
    content = json.dumps(items, indent=1 if spaced else None, ensure_ascii=False).encode()
    complaints: list[Problem] = []
    found = [item for _, item in records(LineReader("a.json", DribblingStream(content, step), complaints))]
    assert found == [item for item in items if isinstance(item, dict | str)]
    assert len(complaints) == len(items) - len(found)


def test_an_array_on_one_line_may_be_longer_than_a_line_may() -> None:
    items = [{"text": f"{n} " + "x" * (LONGEST_LINE_BYTES // 8)} for n in range(10)]
    reader = Reader([("a.json", io.BytesIO(json.dumps(items).encode()))])
    assert [len(document.text) for document in reader] == [len(item["text"]) for item in items]
    assert reader.problems == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"x" * (LONGEST_LINE_BYTES + READ_BYTES + 1), "a line is longer than 16 MiB"),
        ("a.txt", b"a\n\n" * 1000 + LONG_BLOCK, "a document is longer"),
        ("a.csv", b'text\n"open ' + b"x\n" * (LONGEST_LINE_BYTES // 2 + 10), "not a valid CSV row"),
        ("a.json", b'[{"text": "' + b"x" * (LONGEST_LINE_BYTES * 2), "longer than 16 MiB"),
        ("a.json", b"[" * 100_000, "not valid JSON"),
        ("a.jsonl", b'{"text": "\\ud800"}', "half a surrogate pair"),
        ("a.jsonl", b'{"text": ' + b"9" * 5000 + b"}", "not valid JSON"),
        ("a.txt", b"a\x00b\n", "line 1: a zero byte at column 2"),
        ("a.txt", "no mark".encode("utf-16-le"), "zero byte"),
        ("a.json", b'[{"text": "a"}] tail', "text after the array"),
        ("a.json", b'[{"text": "a"} {"text": "b"}]', "lacks a comma"),
        ("a.json", b'[{"text": "\xff"}]', "byte 0xff is not UTF-8"),
    ],
)
def test_what_is_refused_names_the_reason(name: str, content: bytes, words: str) -> None:
    reader = Reader([(name, io.BytesIO(content))])
    list(reader)
    assert any(words in str(problem) for problem in reader.problems), reader.problems
    assert all(len(str(problem)) < 400 for problem in reader.problems)


def problems_of(folder: Path) -> tuple[list[str], list[str]]:
    intake = Intake(local_sources(folder), None, SETTINGS[0])
    texts = [document.text for _, document in intake]
    return texts, [str(problem) for problem in intake.problems] + list(intake.notes)


def test_links_and_pipes_are_followed_or_reported(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "elsewhere.txt").write_text("linked\n")
    (folder / "good.txt").symlink_to(tmp_path / "elsewhere.txt")
    (folder / "broken.txt").symlink_to(tmp_path / "nowhere.txt")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.txt")
    texts, told = problems_of(folder)
    assert texts == ["linked"]
    for name in ("broken.txt", "loop.txt", "pipe.txt"):
        assert any(line.startswith(f"{name}: cannot be read") for line in told), (name, told)


def test_a_zip_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "0" * (1 << 24))
    (tmp_path / "disguised.txt").write_bytes((tmp_path / "bomb.zip").read_bytes())
    texts, told = problems_of(tmp_path)
    assert texts == []
    assert any(line.startswith("bomb.zip: left out") for line in told)
    assert any("this is zip, not text" in line for line in told)


def test_a_file_that_goes_away_while_it_is_read_is_reported() -> None:
    class Failing:
        def read(self, size: int, /) -> bytes:
            raise OSError(5, "Input/output error")

    sources: list[Source] = [("a.txt", Failing()), ("b.txt", io.BytesIO(b"one\ntwo"))]
    reader = Reader(sources)
    assert [document.text for document in reader] == ["one", "two"]
    assert [str(problem) for problem in reader.problems] == ["a.txt: cannot be read: Input/output error"]
