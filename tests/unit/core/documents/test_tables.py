"""Figures of tables without tags, from lines as PDF readers give them."""

from datetime import date
from decimal import Decimal

import pytest

from core.documents import covers, tables
from core.documents.facts import SURE, Candidate, decided
from core.documents.layout import lines_of
from core.documents.model import Cover, Fact, Page
from core.documents.naming import fit
from core.documents.periods import Period
from core.documents.wording import stems

YEAR = Cover(fiscal_year=2022, period_end=date(2022, 9, 24), year_end=(9, 24))


def read(text: str, cover: Cover = YEAR) -> dict[tuple[str, date], tuple[Decimal, str]]:
    page = Page(1, text, lines_of(text))
    return {(fact.label, fact.end): (fact.value, fact.unit) for fact in tables.facts([page], cover)}


HEAD = "CONSOLIDATED BALANCE SHEETS\n(In millions)\nSeptember 24,\n2022\nSeptember 25,\n2021\n"
LAST, BEFORE = date(2022, 9, 24), date(2021, 9, 25)


def test_two_rows_that_a_reader_joined_come_apart() -> None:
    found = read(HEAD + "Short-term debt 499 — Total current liabilities 7,805 6,855")
    assert found["Short-term debt", LAST] == (499_000_000, "USD")
    assert found["Short-term debt", BEFORE] == (0, "USD")
    assert found["Total current liabilities", LAST] == (7_805_000_000, "USD")


def test_dates_that_were_cut_into_lines_name_the_columns() -> None:
    found = read(HEAD + "Total assets $ 352,755 $ 351,002\nTotal debt (12) (13)")
    assert found["Total assets", BEFORE] == (351_002_000_000, "USD")
    assert found["Total debt", LAST] == (-12_000_000, "USD")


def test_a_footnotes_mark_is_no_figure_and_a_figure_in_brackets_is_one() -> None:
    rows = "Cost of sales (1) 700 689\nOther (1) (12) (13)\n(1) Includes compensation."
    assert read(HEAD + rows)["Cost of sales", LAST] == (700_000_000, "USD")
    assert read(HEAD + rows)["Other", BEFORE] == (-13_000_000, "USD")
    assert not read(HEAD + "Other (5) (12) (13)"), "three figures in two columns, no footnote of this mark"


def test_a_heading_of_two_lines_says_what_its_rows_are() -> None:
    heads = "NET INCOME PER COMMON SHARE ATTRIBUTABLE TO\nCORVID:\n"
    found = read(
        f"{HEAD}Net sales 5 4\n{heads}Basic $ 13.17 $ 11.30\nShares used (000’s)\nBasic 443,651 443,089"
    )
    per_share = "NET INCOME PER COMMON SHARE ATTRIBUTABLE TO CORVID: Basic"
    assert found[per_share, LAST] == (Decimal("13.17"), "USD/share")
    assert found["Shares used (000’s): Basic", LAST] == (443_651_000, "shares")


def test_columns_of_changes_are_no_times() -> None:
    head = "Net sales (dollars in millions)\n2022 Change 2021 Change 2020\n"
    found = read(head + "Americas $ 169,658 11 % $ 153,306 23 % $ 124,556")
    assert {end.year: value for (_, end), (value, _) in found.items()} == {
        2022: 169_658_000_000,
        2021: 153_306_000_000,
        2020: 124_556_000_000,
    }


def test_a_table_that_does_not_say_what_it_counts_in_gives_no_money() -> None:
    assert read("Years ended\n2022 2021\nTotal net sales 394,328 365,817") == {}


def test_a_line_of_years_names_the_columns_and_the_years_of_a_title_do_not() -> None:
    title = "Halvorsen AS annual report 2024\nIncome statement\nNOK million\n"
    cover = covers.read("report.html", [title], {})
    assert (cover.company, cover.fiscal_year, cover.form) == ("Halvorsen AS", 2024, "annual report")
    found = read(f"{title}2024 2023\nRevenue 412 377\nOperating profit 61 52", cover)
    assert found["Revenue", date(2024, 12, 31)] == (412_000_000, "NOK")
    assert found["Operating profit", date(2023, 12, 31)] == (52_000_000, "NOK")
    assert not read(f"{title}2024 2023 2022\nRevenue 412 377", cover), "two figures in three columns"


def test_a_title_that_names_no_company_is_none() -> None:
    for title in (
        "Our annual report 2024 is here",
        "See the annual report 2024",
        "Our Annual Report 2024",
        "annual report 2024",
    ):
        assert covers.read("report.html", [title], {}).company in {"", "Report"}, title


def test_days_that_no_month_has_are_no_days() -> None:
    tags = {"CurrentFiscalYearEndDate": "--13-00", "DocumentPeriodEndDate": "2022-09-24"}
    assert covers.read("report.html", ["Corvid Pumps, Inc."], tags).year_end == (9, 24)
    assert read("As of May 00\n(In millions)\n2022 2021\nTotal debt 5 4")["Total debt", LAST][0] == 5_000_000


def test_a_scale_of_shares_alone_is_no_scale_of_money() -> None:
    head = "Changes in shares of common stock (in thousands):\n2022 2021\n"
    assert not read(f"{head}Common stock repurchased (499,372) (471,419)")
    both = "(net income in millions and shares in thousands)\n2022 2021\n"
    found = read(f"{both}Net income $ 99,803 $ 94,680\nEffect of dilutive securities 109,856 163,647")
    assert found["Net income", LAST] == (99_803_000_000, "USD")
    assert found["Effect of dilutive securities", LAST] == (109_856_000, "shares")


def test_shares_people_and_payments_have_their_own_units_and_signs() -> None:
    head = (
        "(In millions, except number of shares, which are reflected in thousands)\nYears ended\n2022 2021\n"
    )
    found = read(
        head + "Weighted average shares outstanding 16,215 16,701\nMembership fees 4,224 3,877\n"
        "Purchases of property and equipment (10,708) (11,085)\nDiluted earnings per share $ 6.11 $ 5.61"
    )
    units = {label: value for (label, end), value in found.items() if end == LAST}
    assert units == {
        "Weighted average shares outstanding": (16_215_000, "shares"),
        "Membership fees": (4_224_000_000, "USD"),
        "Purchases of property and equipment": (10_708_000_000, "USD"),
        "Diluted earnings per share": (Decimal("6.11"), "USD/share"),
    }


def test_a_year_that_ends_in_january_keeps_its_companys_count() -> None:
    retailer = Cover(fiscal_year=2024, period_end=date(2025, 1, 31), year_end=(1, 31))
    found = read("(In millions)\nFiscal year\n2024 2023\nNet sales 100 90", retailer)
    assert {end for _, end in found} == {date(2025, 1, 31), date(2024, 1, 31)}


@pytest.mark.parametrize(
    ("question", "label", "dimensions", "fits"),
    [
        ("diluted EPS", "Earnings (loss) per share attributable to Corvid—diluted", "[]", True),
        ("net income", "Net income (loss)", "[]", True),
        ("net income", "Net income before extraordinary items", "[]", False),
        ("revenue", "Cost of revenue", "[]", False),
        ("U.S. net sales", "Net sales", '[["SegmentAxis", "CorvidUSMember"]]', True),
        ("net sales", "Net sales", '[["SegmentAxis", "CorvidUSMember"]]', False),
        ("net income", "NET INCOME ATTRIBUTABLE TO CORVID", "[]", True),
        ("net income", "Net income attributable to the shareholders", "[]", True),
        ("net income", "Net income attributable to noncontrolling interests", "[]", False),
        ("net income", "Net income attributable to non-controlling interests", "[]", False),
        ("net income", "Net income attributable to minority interests", "[]", False),
        ("gains losses arising during period", "Gains (losses) arising during the period", "[]", True),
    ],
)
def test_a_name_fits_what_is_asked_for_alone(question: str, label: str, dimensions: str, fits: bool) -> None:
    assert (fit(stems(question), "", label, dimensions, stems("Corvid")) >= SURE) is fits


def figure(label: str, value: int, page: int) -> Candidate:
    start, end = date(2025, 1, 1), date(2025, 12, 31)
    fact = Fact(concept="", label=label, value=Decimal(value), unit="USD", start=start, end=end, page=page)
    return Candidate(fact, 1, "a.pdf", 1.0, Period(2025))


@pytest.mark.parametrize(
    ("figures", "value"),
    [
        ([("Net sales", 900, 22), ("Net sales", 300, 52), ("Net sales", 900, 28)], 900),
        ([("Net sales", 900, 22), ("Net sales", 300, 52)], None),
        ([("Net sales", v, p) for v, p in ((900, 22), (900, 28), (300, 52), (300, 53))], None),
        ([("Other", 900, 22), ("Other", 300, 52), ("Other", 900, 28)], None),
    ],
)  # fmt: skip
def test_of_figures_of_one_name_the_one_on_several_pages_is_the_companys(
    figures: list[tuple[str, int, int]], value: int | None
) -> None:
    chosen, different = decided([figure(*each) for each in figures], stems(figures[0][0]))
    assert (chosen.fact.value if chosen else None) == value and bool(different) is (value is None)
