"""Reading documents: figures, pages, covers, and files that cannot be read."""

from decimal import Decimal
from pathlib import Path

import pytest

from core.documents import search as searching
from core.documents import store
from core.documents.search import Corpus
from finexpert.service.documents import html, library, pdf
from tests.fakes import filings


def test_tagged_figures_are_read_exactly_with_sign_scale_and_place() -> None:
    pages, facts, tags = html.read(filings.ANNUAL_REPORT.encode())
    found = {(fact.concept, fact.dimensions): fact for fact in facts if fact.end.year == 2025}
    value = {concept: fact.value for (concept, members), fact in found.items() if not members}
    assert value == {
        "Revenues": 1_250_000_000,
        "CostOfRevenue": 800_000_000,
        "GrossProfit": 450_000_000,
        "OtherNonoperatingIncomeExpense": -12_000_000,
        "RestructuringCharges": 0,
        "EarningsPerShareDiluted": Decimal("2.05"),
        "Assets": 2_400_000_000,
    }, "brackets are no second sign, a dash is zero, nil is no figure"
    nordic = found["Revenues", (("SegmentAxis", "NordicMember"),)]
    assert nordic.value == 310_000_000 and nordic.page == 3
    assert found["EarningsPerShareDiluted", ()].unit == "USD/share"
    sales = found["Revenues", ()]
    assert pages[1].text[slice(*sales.span)] == "Net sales | $1,250 | $1,000"
    assert tags["EntityRegistrantName"] == "Borealis Pumps, Inc."


def test_pages_are_counted_by_their_breaks_and_keep_their_printed_number() -> None:
    pages, _, _ = html.read(filings.ANNUAL_REPORT.encode())
    assert [(page.number, page.printed) for page in pages] == [(1, ""), (2, "17"), (3, "")]
    (whole,), _, _ = html.read(b"<html><body><p>One page without breaks.</p></body></html>")
    assert whole.number is None


def test_statements_without_page_breaks_have_their_own_titles() -> None:
    def table(*rows: str) -> str:
        return f"<table><tr><td>2025</td><td>2024</td></tr>{''.join(rows)}</table>"

    def row(label: str, concept: str) -> str:
        cell = filings.figure(concept, "y", "75", scale="6")
        return f"<tr><td>{label}</td><td>{cell}</td></tr>"

    wages = ("<tr><td>Costs:</td></tr>", row("Wages", "Wages"))
    income = table(row("Net sales", "Revenues"), *wages)
    body = (
        f"<p><b>CONSOLIDATED STATEMENTS OF INCOME</b></p><p><b>(In millions)</b></p>{income}"
        f"<p><b>CONSOLIDATED BALANCE SHEETS</b></p><p><b>Year | Year</b></p>{table(row('Cash', 'Cash'))}"
    )
    head = filings.ANNUAL_REPORT.partition("<div>Borealis")[0]
    _, facts, _ = html.read(f"{head}{body}</body></html>".encode())
    assert [(fact.concept, fact.label, fact.section) for fact in facts] == [
        ("Revenues", "Net sales", "CONSOLIDATED STATEMENTS OF INCOME"),
        ("Wages", "Costs: Wages", "CONSOLIDATED STATEMENTS OF INCOME"),
        ("Cash", "Cash", "CONSOLIDATED BALANCE SHEETS"),
    ]


def test_nested_tagged_figures_and_unknown_formats_stop_nothing() -> None:
    inner = filings.figure("Revenues", "y", "75", scale="6")
    outer = filings.figure("Other", "y", inner)
    odd = filings.figure("Assets", "i", "seventy-five thousand", format="ixt:unheard-of")
    text = filings.ANNUAL_REPORT.replace("</body>", f"<p>{outer} {odd}</p></body>")
    _, facts, _ = html.read(text.encode())
    assert {f.value for f in facts if f.concept == "Other"} == {75_000_000}


def test_a_table_without_tags_gives_each_cell_its_time_unit_and_scale(corpus: Corpus) -> None:
    facts = corpus.connection.execute("SELECT * FROM fact JOIN document ON document.id = fact.document")
    rows = [row for row in facts if "cascadia" in row["name"]]
    found = [(row["label"], row["value"], row["unit"], row["start"], row["end"]) for row in rows]
    assert ("Operating revenue", "40100000", "USD", "2023-07-02", "2023-09-30") in found
    assert ("Operating revenue", "118300000", "USD", "2022-12-31", "2023-09-30") in found
    assert ("Fuel", "-9900000", "USD", "2022-07-02", "2022-09-30") in found
    assert ("Diluted earnings per share", "0.51", "USD/share", "2023-07-02", "2023-09-30") in found


def test_a_cover_is_read_from_tags_and_from_text(corpus: Corpus) -> None:
    known = {name: cover for name, cover in corpus.covers.values()}
    borealis, cascadia = known["borealis-10k.html"], known["cascadia.pdf"]
    assert (borealis.company, borealis.ticker, borealis.form) == ("Borealis Pumps, Inc.", "BORP", "10-K")
    assert (borealis.fiscal_year, borealis.fiscal_period) == (2024, "FY")
    assert (cascadia.company, cascadia.form) == ("Cascadia Rail Corporation", "earnings release")
    assert (cascadia.fiscal_year, cascadia.fiscal_period) == (2023, "Q3")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("broken.pdf", b"%PDF-1.7 nothing more", "damaged"),
        ("scan.pdf", filings.pdf(("", "")), "images of text"),
        ("empty.txt", b"   \n", "no text"),
        ("program.exe", b"MZ\x00\x01\x02", "no text"),
        ("broken.docx", b"PK\x03\x04 nothing more", "damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported_and_the_others_are_added(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "notes.txt").write_text("Borealis Pumps opened a plant in Turku.")
    bad, good = sorted(
        library.add(tmp_path / "index", [tmp_path / name, tmp_path / "notes.txt"]),
        key=lambda a: a.name == "notes.txt",
    )
    assert bad.outcome == "failed" and why in bad.why
    assert good.outcome == "added"


def test_office_files_and_tables_are_read(tmp_path: Path) -> None:
    import docx
    import openpyxl

    document = docx.Document()
    document.add_paragraph("The covenant allows net debt of three times EBITDA.")
    document.save(str(tmp_path / "memo.docx"))
    book = openpyxl.Workbook()
    book.active.append(["Plant", "Output"])
    book.active.append(["Turku", 1250000])
    book.save(tmp_path / "plants.xlsx")
    (tmp_path / "list.csv").write_text("Plant;Output\nOulu;77\n")
    assert {each.outcome for each in library.add(tmp_path / "index", [tmp_path])} == {"added"}
    with store.opened(tmp_path / "index") as connection:
        corpus = Corpus.of(connection)
        texts = [
            found.text
            for q in ("covenant debt", "Turku output", "Oulu")
            for found in searching.search(corpus, corpus.understand(q), top=1)
        ]
    assert "three times EBITDA" in texts[0] and "1,250,000" in texts[1] and "77" in texts[2]


def test_the_same_file_is_one_document_and_a_changed_one_replaces_itself(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("Oulu makes 77 pumps.")
    assert [each.outcome for each in library.add(tmp_path / "i", [file])] == ["added"]
    assert [each.outcome for each in library.add(tmp_path / "i", [file])] == ["unchanged"]
    copy = tmp_path / "b.txt"
    copy.write_bytes(file.read_bytes())
    assert [each.outcome for each in library.add(tmp_path / "i", [copy])] == ["unchanged"]
    file.write_text("Oulu makes 88 pumps.")
    assert [each.outcome for each in library.add(tmp_path / "i", [file])] == ["replaced"]
    with store.opened(tmp_path / "i") as connection:
        assert connection.execute("SELECT count(*) FROM document").fetchone()[0] == 1
        assert [row["text"] for row in connection.execute("SELECT text FROM page")] == [
            "Oulu makes 88 pumps."
        ]
        assert store.remove(connection, "a.txt") and not store.remove(connection, "a.txt")
        assert connection.execute("SELECT count(*) FROM chunk").fetchone()[0] == 0


def test_an_amount_far_from_its_sign_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    lines = "Year ended December 31,\n2024 2023\n(in millions)\nNet sales $      2,510 $     2,483"
    path.write_bytes(filings.pdf((lines,)))
    (page,) = library.read(path, path.read_bytes(), "").pages
    assert "Net sales $ 2,510 $ 2,483" in page.text


def test_a_locked_pdf_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    lock = f"/Filter /Standard /V 1 /R 2 /P -4 /O <{'00' * 32}> /U <{'00' * 32}>"
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"]
    path.write_bytes(filings.assembled(objects, f"/Encrypt << {lock} >> /ID [<00> <00>]"))
    with pytest.raises(pdf.Unreadable, match="save a copy without one"):
        library.read(path, path.read_bytes(), "")
