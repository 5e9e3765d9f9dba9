"""Small documents that ask for time or memory without end are refused, and the others are read."""

import io
import zipfile
from pathlib import Path

import pytest

from finexpert.errors import UserError
from finexpert.service.documents import library, pdf
from finexpert.service.runs import conversion
from tests.fakes import filings
from tests.unit.attack.test_archives import workbook

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
ENTITIES = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
LAUGHS = f'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{ENTITIES}]>'
FOREIGN = '<!DOCTYPE x [<!ENTITY l SYSTEM "file:///etc/passwd">]>'


def word(body: str, before: str = "") -> bytes:
    """A Word file with this body."""
    import docx

    made, changed = io.BytesIO(), io.BytesIO()
    docx.Document().save(made)
    text = f'{before}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    with zipfile.ZipFile(made) as whole, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as parts:
        for name in whole.namelist():
            parts.writestr(name, text if name == "word/document.xml" else whole.read(name))
    return changed.getvalue()


def sheet(rows: str, before: str = "") -> bytes:
    """An Excel file with these rows."""
    text = f'{before}<worksheet xmlns="{SHEET}"><sheetData>{rows}</sheetData></worksheet>'
    return workbook(**{"xl/worksheets/sheet1.xml": text.encode()})


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def inline(text: str) -> str:
    return f'<row r="1"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row>'


SPAN = '<w:tcPr><w:gridSpan w:val="100000000"/></w:tcPr>'
FAR = '<row r="1"><c r="A1"><v>1</v></c></row><row r="999999999"><c r="A999999999"><v>1</v></c></row>'
XOBJECT = "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] "
FORM = XOBJECT + "/Resources << /XObject << /A {next} 0 R >> >> /Length 60 >>"
BRANCHING = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /XObject << /A 4 0 R >> >> >>",
    *(f"{FORM.format(next=5 + level)}\nstream\n{'/A Do ' * 10}\nendstream" for level in range(12)),
    XOBJECT + "/Length 0 >>\nstream\n\nendstream",
]
HOSTILE = {
    "forms that branch.pdf": filings.assembled(BRANCHING),
    "entities in a Word file.docx": word(paragraph("&l;"), LAUGHS),
    "entities in a sheet.xlsx": sheet(inline("&l;"), LAUGHS),
    "a cell over many columns.docx": word(f"<w:tbl><w:tr><w:tc>{SPAN}{paragraph('x')}</w:tc></w:tr></w:tbl>"),
    "a cell in a far row.xlsx": sheet(FAR),
    "deep Word.docx": word("<w:p>" * 50_000 + "</w:p>" * 50_000),
    "deep HTML.html": b"<html>" + b"<div>" * 100_000 + b"Revenue was 5",
    "deep tables.html": b"<html>" + b"<table><tr><td>" * 2_000 + b"Revenue was 5",
    "no number.xlsx": sheet('<row r="1"><c r="A1"><v>NaN</v></c><c r="B1"><v>1e400</v></c></row>'),
}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower bounds, which are reached sooner."""
    monkeypatch.setattr(library, "MOST_CELLS", 100_000)
    monkeypatch.setattr(pdf, "READING_SECONDS", 1)


@pytest.mark.usefixtures("few")
def test_hostile_documents_fail_by_name_and_the_others_are_added(tmp_path: Path) -> None:
    for name, content in HOSTILE.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "z.pdf").write_bytes(filings.pdf(("Revenue was $12.4 million in 2024.",)))
    added = library.add(tmp_path / "index", [tmp_path])
    outcomes = {each.name: each.outcome for each in added}
    assert outcomes == {**dict.fromkeys(HOSTILE, "failed"), "z.pdf": "added"}
    assert all(each.why for each in added if each.outcome == "failed")


@pytest.mark.parametrize("name", ["a.docx", "a.xlsx"])
def test_no_other_file_is_read_for_a_document(name: str) -> None:
    content = word(paragraph("x &l;"), FOREIGN) if name == "a.docx" else sheet(inline("x &l;"), FOREIGN)
    try:
        (page,) = library.read(Path(name), content, "").pages
        assert "root" not in page.text
    except library.Unreadable:
        pass  # as good


@pytest.mark.usefixtures("few")
def test_a_sheet_with_a_cell_in_a_far_row_is_no_data_either(tmp_path: Path) -> None:
    file = tmp_path / "far.xlsx"
    file.write_bytes(sheet(FAR))
    with pytest.raises(UserError, match="more than 100,000 cells"), conversion.readable(file):
        pass


def test_a_table_with_a_cell_of_many_characters_is_read() -> None:
    content = b'name,text\na,"' + b"Revenue rose. " * 20_000 + b'"\n'
    (page,) = library.read(Path("long.csv"), content, "").pages
    assert page.text.count("Revenue") == 20_000
