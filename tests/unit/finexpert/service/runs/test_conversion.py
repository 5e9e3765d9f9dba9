"""PDF, HTML, DOCX, XLSX and Parquet become files that training reads, on the user's machine."""

import csv
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from core.hyperparameters import parse
from finexpert.errors import UserError
from finexpert.service.runs import conversion, datasets

SENTENCES = [f"Brackwater Mills sold {n} tonnes of paper in week {n}." for n in range(5)]


def test_files_that_training_reads_are_left_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    with conversion.readable(tmp_path) as folder:
        assert folder == tmp_path


def test_html_and_docx_become_text_beside_what_is_text_already(tmp_path: Path) -> None:
    import docx

    data = tmp_path / "data"
    (data / "deep").mkdir(parents=True)
    (data / "a.txt").write_text("plain\n")
    (data / "deep" / "page.html").write_text("<html><body><p>Sales &amp; costs rose.</p></body></html>")
    document = docx.Document()
    document.add_paragraph("Orders fell.")
    document.save(str(data / "memo.docx"))
    with conversion.readable(data) as folder:
        texts = {file.relative_to(folder).as_posix(): file.read_text() for file in folder.rglob("*.txt")}
    assert texts["a.txt"] == "plain\n"
    assert "Sales & costs rose." in texts["deep/page.html.txt"]
    assert "Orders fell." in texts["memo.docx.txt"]
    assert not folder.exists(), "nothing is left behind"


def test_each_sheet_of_a_workbook_becomes_a_table(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [["id", "text"], *enumerate(SENTENCES)]:
        sheet.append(list(row))
    book.create_sheet("Q 2").append(["text"])
    book.save(tmp_path / "book.xlsx")
    with conversion.readable(tmp_path / "book.xlsx") as folder:
        tables = {file.name: list(csv.reader(file.open())) for file in folder.iterdir()}
    assert set(tables) == {"book.xlsx.Sheet.csv", "book.xlsx.Q-2.csv"}
    assert [row[1] for row in tables["book.xlsx.Sheet.csv"][1:]] == SENTENCES
    report = datasets.check(tmp_path / "book.xlsx", parse({}).to_strings())
    assert report.documents == len(SENTENCES)


def test_parquet_is_read_where_its_library_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.parquet").write_bytes(b"PAR1")
    rows = [{"text": sentence, "label": None} for sentence in SENTENCES]
    batch = SimpleNamespace(to_pylist=lambda: rows)
    file = SimpleNamespace(iter_batches=lambda batch_size: iter([batch]))
    library, module = ModuleType("pyarrow"), ModuleType("pyarrow.parquet")
    vars(module)["ParquetFile"] = lambda path: file
    vars(library)["parquet"] = module
    monkeypatch.setitem(sys.modules, "pyarrow", library)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", module)
    report = datasets.check(tmp_path / "train.parquet", parse({}).to_strings())
    assert (report.documents, report.errors) == (len(SENTENCES), ())


def test_a_missing_library_is_an_error_with_a_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError) as caught:
        datasets.check(tmp_path / "train.parquet", parse({}).to_strings())
    assert "pip install pyarrow" in str(caught.value.fix)


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.xlsx"])
def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "b.txt").write_text("text\n")
    (tmp_path / name).write_bytes(b"PK\x03\x04 nothing more")
    with pytest.raises(UserError, match=name):
        datasets.check(tmp_path, parse({}).to_strings())
