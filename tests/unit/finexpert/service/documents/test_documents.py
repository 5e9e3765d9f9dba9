"""Reading, searching and asking documents, from a file to a cited answer."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench.unanswerable import unanswerable
from core.documents import answering, calculation, store
from core.documents import search as searching
from core.documents.search import Corpus
from finexpert.cli.main import app
from finexpert.errors import UserError
from finexpert.service.documents import exercises, html, library, pdf, shelf
from tests.fakes import filings
from tests.fakes.s3 import FakeS3


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filings.shelf(tmp_path_factory.mktemp("documents"))


@pytest.fixture
def corpus(index: Path) -> Iterator[Corpus]:
    with store.opened(index) as connection:
        yield Corpus.of(connection)


def ask(corpus: Corpus, question: str, **more: Any) -> answering.Answer:
    return answering.answer(corpus, corpus.understand(question), **more)


# --- reading


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
    path.write_bytes(
        filings.pdf(
            ("Year ended December 31,\n2024 2023\n(in millions)\nNet sales $      2,510 $     2,483",)
        )
    )
    (page,) = library.read(path, path.read_bytes(), "").pages
    assert "Net sales $ 2,510 $ 2,483" in page.text


def test_a_locked_pdf_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    lock = f"/Filter /Standard /V 1 /R 2 /P -4 /O <{'00' * 32}> /U <{'00' * 32}>"
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"]
    path.write_bytes(filings.assembled(objects, f"/Encrypt << {lock} >> /ID [<00> <00>]"))
    with pytest.raises(pdf.Unreadable, match="save a copy without one"):
        library.read(path, path.read_bytes(), "")


# --- asking


@pytest.mark.parametrize(
    ("question", "value", "unit"),
    [
        ("What was Borealis Pumps' revenue in fiscal 2024?", 1_250_000_000, "USD"),
        ("BORP net sales FY23", 1_000_000_000, "USD"),
        ("How much revenue did Borealis make last year?", 1_250_000_000, "USD"),
        ("What were Borealis Pumps, Inc.'s total assets as of January 31, 2025?", 2_400_000_000, "USD"),
        ("What was Borealis's Nordic segment net sales in 2024?", 310_000_000, "USD"),
        ("What was the diluted EPS of Borealis in 2024?", Decimal("2.05"), "USD/share"),
        ("Cascadia Rail revenue in the third quarter of 2023", 40_100_000, "USD"),
        ("What was Cascadia's net income for the nine months ended September 30, 2023?", 14_700_000, "USD"),
        ("What was the growth rate of Borealis net sales from 2023 to 2024?", 25, "%"),
        ("What was the change in Borealis net sales from 2023 to 2024?", 250_000_000, "USD"),
        ("Borealis gross margin percentage in 2024", 36, "%"),
        ("Borealis cost of sales as a percentage of net sales in 2023", 70, "%"),
    ],
)
def test_a_figure_is_answered_exactly_and_cited(corpus: Corpus, question: str, value: Any, unit: str) -> None:
    given = ask(corpus, question)
    assert (given.refused, given.method, given.value, given.unit) == (False, "fact", value, unit)
    assert given.citations
    for citation in given.citations:
        number = next(n for n, (name, _) in corpus.covers.items() if name == citation.document)
        page = store.page_text(corpus.connection, number, citation.page)
        assert page[slice(*citation.span)] == citation.text
    cited = [citation.text for citation in given.citations]
    checked, struck = answering.verified(
        given.answer.split(" (")[0], cited, computed=[given.value or Decimal(0)], question=question
    )
    assert not struck, checked


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("What was Acme's revenue in 2024?", "No document is about Acme"),
        ("What was Borealis revenue in 2010?", "not for fiscal 2010"),
        ("What was Borealis revenue?", "Which time is meant"),
        ("What was Borealis' Antarctic segment net sales in 2024?", "No figure of that name"),
        ("How many submarines does Borealis own?", "No figure"),
        ("Who is the chief executive of Cascadia?", "Nothing that answers this"),
        ("What was Borealis's goodwill impairment in 2024?", "No figure"),
    ],
)
def test_what_is_not_there_is_refused_with_a_reason(corpus: Corpus, question: str, reason: str) -> None:
    given = ask(corpus, question)
    assert given.refused and given.value is None and not given.answer
    assert reason in given.reason


def test_a_sentence_is_quoted_word_for_word(corpus: Corpus) -> None:
    given = ask(corpus, "How many full-time employees did Borealis have in 2025?")
    assert given.method == "extract" and "1,240 full-time employees" in given.answer
    assert " ".join(given.citations[0].text.split()) == given.answer


@pytest.mark.parametrize(
    "question",
    [
        "What was Cascadia's headcount in the nine months ended September 30, 2023?",
        "How many full-time employees did Borealis have in 2019?",
        "How many full-time employees did Borealis have on June 30, 2025?",
        "How many full-time employees did Borealis have in the balance sheet of January 31, 2025?",
    ],
)
def test_a_sentence_of_another_time_or_place_answers_no_figure(corpus: Corpus, question: str) -> None:
    assert ask(corpus, question).refused


def test_an_instruction_inside_a_document_changes_nothing(corpus: Corpus) -> None:
    given = ask(corpus, "What was Borealis revenue in fiscal 2024?")
    assert given.value == 1_250_000_000 and "999" not in given.answer


def test_two_companies_and_two_years_are_answered_together(corpus: Corpus) -> None:
    given = ask(corpus, "Was Borealis revenue in 2023 higher than in 2024?")
    assert given.value == 1_250_000_000 and len(given.citations) == 2
    part = ask(corpus, "Compare the revenue of Borealis and Cascadia in fiscal 2024")
    assert part.refused and "Not found: Cascadia Rail Corporation" in part.reason


def test_a_models_figures_are_struck_where_no_passage_holds_them(corpus: Corpus) -> None:
    def invents(question: str, passages: Any) -> str:
        assert "1,240" in " ".join(each.text for each in passages)
        return "Borealis has 1,240 people in seven countries and 55 plants; calc(1240 / 8) is 155 a country."

    given = ask(corpus, "Describe the workforce of Borealis Pumps full-time", generate=invents)
    assert given.method == "generate" and "1,240" in given.answer and "155" in given.answer
    assert "55 plants" not in given.answer and "1 of its figures" in given.reason
    assert given.calculation == "1240 / 8 = 155"


def test_a_model_that_finds_nothing_refuses(corpus: Corpus) -> None:
    nothing = "Not found in the passages."
    given = ask(corpus, "Describe the dividend plans of Borealis", generate=lambda *_: nothing)
    assert given.refused


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("-1 / 8", Decimal("-0.125")),
        ("1 / 0", None),
        ("2 +", None),
        ("2 ** 3", None),
    ],
)
def test_sums_are_worked_out_exactly_or_not_at_all(expression: str, value: Any) -> None:
    assert calculation.evaluate(expression) == value


# --- searching


def test_the_filter_is_understood_shown_and_can_be_set(corpus: Corpus) -> None:
    asked = corpus.understand("What was BORP's capex in Q2 FY24 in the 10-K?")
    assert asked.filter.as_json() == {
        "company": ["Borealis Pumps, Inc."],
        "fiscal_year": [2024],
        "fiscal_period": ["Q2"],
        "form": ["10-K"],
        "date": [],
        "not_indexed": [],
    }
    given = corpus.understand("revenue", {"company": "Cascadia Rail Corporation", "fiscal_year": 2023})
    assert {each.document for each in searching.search(corpus, given)} == {"cascadia.pdf"}


def test_other_names_find_the_page(corpus: Corpus) -> None:
    found = searching.search(corpus, corpus.understand("Cascadia Rail turnover Q3 2023"), top=1)
    assert [(each.document, each.page, each.kind) for each in found] == [("cascadia.pdf", 2, "table")]
    assert "Three Months Ended" in found[0].text, "a table keeps its headings"


def test_without_full_text_the_same_page_is_found(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "has_full_text", lambda: False)
    found = searching.search(corpus, corpus.understand("full-time employees of Borealis"), top=1)
    assert [(each.document, each.page) for each in found] == [("borealis-10k.html", 1)]


def test_an_index_made_without_full_text_search_is_searched_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(store, "has_full_text", lambda: False)
        made = filings.shelf(tmp_path)
    with store.opened(made) as connection:
        tables = {row["name"] for row in connection.execute("SELECT name FROM sqlite_master")}
        assert "words" not in tables
        plain = Corpus.of(connection)
        found = searching.search(plain, plain.understand("full-time employees of Borealis"), top=1)
        assert [(each.document, each.page) for each in found] == [("borealis-10k.html", 1)]
        assert ask(plain, "What were Borealis's net sales in fiscal 2024?").value == 1_250_000_000


# --- exercises


def test_nearly_nothing_that_is_not_there_is_answered(corpus: Corpus) -> None:
    by_kind = unanswerable(corpus, most=200)
    assert all(by_kind.values())
    asked = [question for questions in by_kind.values() for question in questions]
    answered = [question for question in asked if not ask(corpus, question).refused]
    assert len(asked) > 60 and len(answered) <= 0.05 * len(asked), answered


def test_exercises_are_answered_right_and_sides_keep_documents_apart(corpus: Corpus, tmp_path: Path) -> None:
    made = exercises.exercises(corpus, most=20)
    entries = [
        {"question": e.question, "answer": f"{e.value:f}", "document": e.document, "page": e.page}
        for e in made
    ]
    result = exercises.evaluate(corpus, entries)
    assert result["right"] >= 0.8 * len(made) and result["wrong"] == 0
    counts = exercises.training_set(corpus, tmp_path, most=20)
    assert counts["train"] and counts["validation"]
    for side, records in ((s, (tmp_path / s / "documents.jsonl").read_text().splitlines()) for s in counts):
        assert len(records) == counts[side]
        assert set(json.loads(records[0])) == {"prompt", "completion"}
    train, held_out = ((tmp_path / s / "documents.jsonl").read_text() for s in ("train", "validation"))
    both = {"Borealis", "Cascadia"}
    assert not (both & set(train.split())) & (both & set(held_out.split()))


def test_a_question_that_cannot_be_answered_is_right_to_refuse(corpus: Corpus) -> None:
    entries = [{"question": "What was Acme's revenue in 2024?", "answerable": False}]
    assert exercises.evaluate(corpus, entries)["rightly_refused"] == 1


# --- the command line


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["docs", *arguments])


def test_the_commands_print_the_documented_json(index: Path) -> None:
    asked = json.loads(run("ask", "Borealis revenue in 2024", "--index", str(index), "--json").stdout)
    assert asked["value"] == 1250000000 and asked["citations"][0]["page"] == 2
    assert {"answer", "refused", "reason", "method", "value", "unit", "period", "citations"} <= set(asked)
    found_in = ["--index", str(index), "--top", "2", "--json"]
    found = json.loads(run("search", "Borealis revenue", *found_in).stdout)
    assert len(found["results"]) == 2
    assert set(found["results"][0]) == {
        "document",
        "page",
        "printed_page",
        "section",
        "kind",
        "score",
        "text",
        "span",
    }
    listed = json.loads(run("list", "--index", str(index), "--json").stdout)
    assert [row["name"] for row in listed["documents"]] == ["borealis-10k.html", "cascadia.pdf"]


def test_a_cover_can_be_corrected(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Revenue notes of a company.")
    done = run(
        "add",
        str(tmp_path / "a.txt"),
        "--index",
        str(tmp_path / "i"),
        "--set",
        "company=Acme",
        "--set",
        "fiscal_year=2024",
        "--json",
    )
    (row,) = json.loads(done.stdout)["documents"]
    assert (row["company"], row["fiscal_year"]) == ("Acme", 2024)
    assert run("add", str(tmp_path), "--index", str(tmp_path / "i"), "--set", "colour=red").exit_code


@pytest.mark.parametrize(
    "given", [{"fiscal_year": "next"}, {"period_end": "31.12.2024"}, {"colour": "red"}, {"year_end": "12"}]
)
def test_a_part_of_a_cover_that_cannot_be_read_is_refused_with_what_to_write(given: dict[str, str]) -> None:
    with pytest.raises(UserError) as refused:
        library.settable(given)
    assert refused.value.fix


def test_a_file_of_questions_that_is_none_names_the_line(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_bytes(b'{"question": "Revenue?"}\n\xff\xfe nothing\n')
    with pytest.raises(UserError) as refused:
        exercises.questions_of(corpus, tmp_path / "q.jsonl", most=5)
    assert refused.value.where.endswith("line 2") and "question" in refused.value.fix
    assert exercises.questions_of(corpus, None, most=3)


def test_an_index_that_is_none_is_reported_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / store.FILE).write_bytes(b"this is no database, only text")
    advice = "delete it and add the documents again"
    with pytest.raises(store.IndexProblem, match=advice), store.opened(tmp_path):
        pass
    with pytest.raises(store.IndexProblem, match="finexpert docs add"), store.opened(tmp_path / "none"):
        pass


# --- the shelf in S3


def test_an_index_goes_to_the_bucket_and_back(index: Path, tmp_path: Path) -> None:
    bucket = FakeS3()
    version = shelf.push(bucket, "b", index)
    assert shelf.push(bucket, "b", index) == version, "the same index is pushed once"
    assert shelf.pull(bucket, "b", tmp_path / "i") == version
    assert (tmp_path / "i" / store.FILE).read_bytes() == (index / store.FILE).read_bytes()


def test_an_index_that_is_here_already_is_not_fetched_again(index: Path, tmp_path: Path) -> None:
    bucket = FakeS3()
    version = shelf.push(bucket, "b", index)
    shelf.pull(bucket, "b", tmp_path)
    del bucket.objects[f"documents/{version}.sqlite"]
    assert shelf.pull(bucket, "b", tmp_path) == version


def test_a_damaged_index_replaces_nothing(index: Path, tmp_path: Path) -> None:
    bucket = FakeS3()
    version = shelf.push(bucket, "b", index)
    bucket.objects[f"documents/{version}.sqlite"] += b"x"
    with pytest.raises(UserError, match="damaged"):
        shelf.pull(bucket, "b", tmp_path)
    assert not list(tmp_path.iterdir())
