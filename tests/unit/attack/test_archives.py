"""Archives whose headers unpack to gigabytes are refused before they are read."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from core.evaluation import archive as evaluations
from finexpert.errors import UserError
from finexpert.service.documents import library
from finexpert.service.evaluation import rescoring
from finexpert.service.runs import conversion
from localcloud.sagemaker import archive as artifacts

KINDS = [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK]
HEADER_BYTES = 40 << 20


def bomb(kind: bytes) -> bytes:
    """A tar.gz of some kilobytes whose one extended header has 40 MiB."""
    header = tarfile.TarInfo("long")
    header.type, header.size = kind, HEADER_BYTES
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped:
        zipped.write(header.tobuf(tarfile.GNU_FORMAT))
        zipped.write(b"x" * HEADER_BYTES)
    return packed.getvalue()


def many_headers() -> bytes:
    """Many headers, each small enough, with no content at all."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as made,
    ):
        for number in range(30):
            member = tarfile.TarInfo(f"evaluation-{number}")
            member.pax_headers = {"comment": "x" * 900_000}
            made.addfile(member)
    return packed.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_a_huge_header_is_refused_everywhere(kind: bytes, tmp_path: Path) -> None:
    packed = bomb(kind)
    with pytest.raises(evaluations.ArchiveError, match="header of"):
        evaluations.extract(io.BytesIO(packed))
    with pytest.raises(artifacts.UnsafeArchive, match="header of"):
        artifacts.unpack(io.BytesIO(packed), tmp_path / "unpacked")
    (tmp_path / "model.tar.gz").write_bytes(packed)
    with pytest.raises(UserError, match="header of"):
        rescoring.unpack_adapter(tmp_path / "model.tar.gz", tmp_path / "adapter")


def test_headers_count_as_bytes_that_were_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packed = many_headers()
    monkeypatch.setattr(evaluations, "MOST_BYTES", 10 << 20)
    with pytest.raises(evaluations.ArchiveError, match="more than"):
        evaluations.extract(io.BytesIO(packed))
    monkeypatch.setattr(artifacts, "ALWAYS_TAKEN_BYTES", 10 << 20)
    with pytest.raises(artifacts.UnsafeArchive, match="more than"):
        artifacts.unpack(io.BytesIO(packed), tmp_path / "unpacked")
    monkeypatch.setattr(rescoring, "MOST_ADAPTER_BYTES", 10 << 20)
    (tmp_path / "model.tar.gz").write_bytes(packed)
    with pytest.raises(UserError, match="more than"):
        rescoring.unpack_adapter(tmp_path / "model.tar.gz", tmp_path / "adapter")


def workbook(**parts: bytes) -> bytes:
    """An Excel file with one sheet of two cells, and with some parts replaced or added."""
    import openpyxl

    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"], book.active["B1"] = "Revenue", 12.4
    saved = io.BytesIO()
    book.save(saved)
    changed = io.BytesIO()
    with zipfile.ZipFile(saved) as before, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as after:
        for name in {*before.namelist(), *parts}:
            after.writestr(name, parts.get(name) or before.read(name))
    return changed.getvalue()


def test_a_spreadsheet_that_unpacks_to_gigabytes_is_refused_as_document_and_as_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "LARGEST_BYTES", 1 << 20)
    file = tmp_path / "bomb.xlsx"
    file.write_bytes(workbook(**{"xl/media/image1.png": bytes(2 << 20)}))
    with pytest.raises(library.Unreadable, match="unpacks to more than 1 MB"):
        library.read(file, file.read_bytes(), "")
    with pytest.raises(UserError, match="unpacks to more than 1 MB"), conversion.readable(file):
        pass


def test_a_sheet_that_claims_all_cells_there_can_be_is_read_as_what_it_holds(tmp_path: Path) -> None:
    sheet = b"""<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<dimension ref="A1:XFD1048576"/><sheetData>
<row r="1"><c r="A1" t="inlineStr"><is><t>Revenue</t></is></c><c r="B1"><v>12.4</v></c></row>
<row r="100000"><c r="A100000"><v>1</v></c></row></sheetData></worksheet>"""
    file = tmp_path / "wide.xlsx"
    file.write_bytes(workbook(**{"xl/worksheets/sheet1.xml": sheet}))
    (page,) = library.read(file, file.read_bytes(), "").pages
    assert "Revenue  12.4" in page.text
    with conversion.readable(file) as made:
        assert made.read_text().splitlines()[0] == "Revenue,12.4"
