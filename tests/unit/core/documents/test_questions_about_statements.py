"""Which figure of a tagged report a question means: by its row, its statement or its time."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from core.documents import answering, store
from core.documents.checking import figures as figures_in
from core.documents.model import Cover, Document, Fact, Page
from core.documents.search import Corpus

COVER = Cover(
    company="Corvid Pumps, Inc.", ticker="CORV", form="10-K", fiscal_year=2024, fiscal_period="FY",
    period_end=date(2024, 12, 31), year_end=(12, 31),
)  # fmt: skip
INCOME, BALANCE, CASH, NOTE = "Consolidated Statements of Income", "Three Months Ended", "Cash", "Segments"
"""Only the first heading names its statement: the others are known by their lines."""
SEGMENT = ("StatementBusinessSegmentsAxis", "CorvidPumpsEuropeMiddleEastAfricaSegmentMember")
OPERATING = ("ConsolidationItemsAxis", "OperatingSegmentsMember")
NET_SALES = "RevenueFromContractWithCustomerExcludingAssessedTax"
WITH_MINORITIES = "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest"
OPERATIONS, FINANCING = (f"NetCashProvidedByUsedIn{kind}Activities" for kind in ("Operating", "Financing"))
CAPEX = "PaymentsToAcquirePropertyPlantAndEquipment"
ROWS = [  # page, heading, label, concept, millions this year, last year, dimensions
    (1, INCOME, "Revenues: Net sales", NET_SALES, 900, 800, ()),
    (1, INCOME, "Revenues: Total revenues", "Revenues", 950, 840, ()),
    (1, INCOME, "Operating income", "OperatingIncomeLoss", 190, 160, ()),
    (1, INCOME, "Provision for income taxes", "IncomeTaxExpenseBenefit", 38, 30, ()),
    (1, INCOME, "Consolidated net income", "ProfitLoss", 130, 110, ()),
    (1, INCOME, "Consolidated net income attributable to Corvid Pumps", "NetIncomeLoss", 120, 100, ()),
    (2, BALANCE, "Current assets: Marketable securities", "MarketableSecuritiesCurrent", 40, 30, ()),
    (2, BALANCE, "Current assets: Inventories", "InventoryNet", 70, 60, ()),
    (2, BALANCE, "Total current assets", "AssetsCurrent", 300, 240, ()),
    (2, BALANCE, "Non-current assets: Marketable securities", "MarketableSecuritiesNoncurrent", 55, 45, ()),
    (2, BALANCE, "Property and equipment, net", "PropertyPlantAndEquipmentNet", 400, 380, ()),
    (2, BALANCE, "Total current liabilities", "LiabilitiesCurrent", 200, 160, ()),
    (2, BALANCE, "Total Corvid Pumps shareholders' equity", "StockholdersEquity", 500, 450, ()),
    (2, BALANCE, "Total shareholders' equity", WITH_MINORITIES, 560, 505, ()),
    (2, BALANCE, "Total liabilities and equity", "LiabilitiesAndStockholdersEquity", 990, 890, ()),
    (3, CASH, "Changes in assets and liabilities: Inventories", "IncreaseDecreaseInInventories", 10, 5, ()),
    (3, CASH, "Net cash provided by operating activities", OPERATIONS, 210, 180, ()),
    (3, CASH, "Payments for property and equipment", CAPEX, 80, 70, ()),
    (3, CASH, "Net cash used in financing activities", FINANCING, -90, -85, ()),
    (4, NOTE, "Restricted cash and cash equivalents", "RestrictedCash", 7, 6, ()),
    (4, NOTE, "Cash, cash equivalents and restricted cash", "CashAndRestrictedCash", 77, 66, ()),
    (4, NOTE, "Property and equipment", "PropertyPlantAndEquipmentGross", 700, 640, ()),
    (4, NOTE, "Deferred tax liabilities: Depreciation", "DeferredTaxLiabilitiesProperty", 12, 11, ()),
    (5, NOTE, "", "Depreciation", 34, 33, ()),
    (6, "Consolidated Statements of Equity", "Inventories", "InventoryGivenToOwners", 1, 2, ()),
    (4, NOTE, "Deferred tax assets: Stock-based compensation", "DeferredTaxAssetsCompensation", 8, 9, ()),
    (3, CASH, "Share-based compensation expense", "ShareBasedCompensation", 21, 20, ()),
    (1, INCOME, "Cost of sales", "CostOfRevenue", 450, 420, ()),
    (3, CASH, "Paid to banks", "InterestPaidNet", 17, 16, ()),
    (4, NOTE, "Operating income", "OperatingIncomeLoss", 120, 100, (SEGMENT,)),
    (4, NOTE, "Net sales", NET_SALES, 480, 400, (OPERATING, SEGMENT)),
    (4, NOTE, "Net sales", "Revenues", 111, 99, (("StatementGeographicalAxis", "CN"),)),
]


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    texts: dict[int, str] = defaultdict(str)
    facts = []
    for page, heading, label, concept, *values, dimensions in ROWS:
        row = f"{label} | {' | '.join(f'{value:,}' for value in values)}"
        span = len(texts[page]), len(texts[page]) + len(row)
        texts[page] += f"{row}\n"
        moment = page == 2 or (page == 4 and not dimensions)
        facts += [
            Fact(
                concept=concept, label=label, value=Decimal(value) * 10**6, unit="USD",
                start=None if moment else date(year, 1, 1), end=date(year, 12, 31), dimensions=dimensions,
                page=page, span=span, section=heading, tagged=True,
            )
            for year, value in zip((2024, 2023), values, strict=True)
        ]  # fmt: skip
    pages = tuple(Page(number, text, ()) for number, text in texts.items())
    with store.opened(tmp_path, make=True) as connection:
        store.add(connection, Document("corvid.html", "0", COVER, pages, tuple(facts)))
        yield Corpus.of(connection)


def ask(corpus: Corpus, question: str) -> answering.Answer:
    return answering.answer(corpus, corpus.understand(question))


@pytest.mark.parametrize(
    ("question", "millions"),
    [
        # rows as printed, and what accountants call them
        ("What was Corvid's net sales in fiscal 2024?", 900),
        ("What was Corvid's revenue in FY24?", 950),
        ("Corvid Pumps: Operating income for the year ended December 31, 2023?", 160),
        ("What was Corvid's net income in fiscal 2024?", 120),
        ("What was Corvid's consolidated net income in fiscal 2024?", 130),
        ("What was Corvid's total shareholders' equity at the end of fiscal 2024?", 560),
        ("What was Corvid's total Corvid Pumps shareholders' equity at the end of fiscal 2024?", 500),
        ("What was Corvid's restricted cash and cash equivalents at year-end 2024?", 7),
        ("What was Corvid's cash, cash equivalents and restricted cash at year-end 2024?", 77),
        # the statement or the time decides
        ("What was Corvid's Inventories at the end of fiscal 2024?", 70),
        ("What were Corvid's inventories on December 31, 2024?", 70),
        ("How much inventory did Corvid have on hand at year end 2023?", 60),
        ("According to the cash flow statement, what was Corvid's Inventories in fiscal 2024?", 10),
        ("What was Inventories in fiscal 2024 in Corvid's consolidated balance sheet?", 70),
        # parts of the company
        ("What was the operating income of Corvid's EMEA segment in fiscal 2024?", 120),
        ("What was Corvid's Europe, Middle East and Africa net sales in fiscal 2024?", 480),
        ("What was Corvid's revenue from China in fiscal 2024?", 111),
        # the equity statement and deferred taxes come after the statement that is meant
        ("What was Corvid's stock-based compensation in fiscal 2024?", 21),
        ("What was Inventories in fiscal 2024 in Corvid's statement of equity?", 1),
        (
            "What was Corvid's Interest Paid, Excluding Capitalized Interest, Operating Activities in 2024?",
            17,
        ),
        # sums
        ("What was Corvid's gross profit in fiscal 2024?", 500),
        ("What was Corvid's free cash flow in fiscal 2024?", 130),
        ("What was Corvid's working capital at the end of fiscal 2024?", 100),
        ("What was the difference between Corvid's total revenues and net sales in fiscal 2024?", 50),
        ("By how much did Corvid's operating income change from fiscal 2023 to fiscal 2024?", 30),
        ("How much did Corvid's current assets grow from December 31, 2023 to December 31, 2024?", 60),
    ],
)  # fmt: skip
def test_the_figure_that_is_meant_is_given_and_cited(corpus: Corpus, question: str, millions: int) -> None:
    given = ask(corpus, question)
    assert not given.refused, given.reason
    assert given.value == millions * 10**6 and given.method == "fact"
    for cited in given.citations:
        text = store.page_text(corpus.connection, 1, cited.page)[slice(*cited.span)]
        assert text == cited.text and figures_in(text)


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What percentage of net sales was Corvid's operating income in fiscal 2024?", Decimal("21.11")),
        ("What was Corvid's operating margin in fiscal 2024?", Decimal("20.00")),
        ("What was the operating margin of Corvid's EMEA segment in fiscal 2024?", Decimal("25.00")),
        ("What was the ratio of operating income to net sales for Corvid in fiscal 2023?", Decimal("0.2000")),
        ("What was Corvid's current ratio at the end of fiscal 2024?", Decimal("1.5")),
        (
            "By what percentage did Corvid's net sales change from fiscal 2023 to fiscal 2024?",
            Decimal("12.50"),
        ),
    ],
)
def test_shares_are_worked_out_from_the_figures_meant(corpus: Corpus, question: str, value: Decimal) -> None:
    given = ask(corpus, question)
    assert given.value == value, given.reason
    assert len(given.citations) == 2 and given.calculation


@pytest.mark.parametrize(
    ("question", "choices"),
    [
        ("What was Corvid's Marketable securities on December 31, 2024?", ("40,000,000", "55,000,000")),
        ("What was Corvid's Inventories in fiscal 2024?", ("balance sheet", "cash flow statement")),
        ("What was Corvid's property and equipment at the end of 2024?", ("400,000,000", "700,000,000")),
        ("What was Corvid's net sales?", ("fiscal 2023", "fiscal 2024")),
        ("What was Corvid's depreciation in fiscal 2024?", ("12,000,000", "34,000,000")),
    ],
)
def test_a_question_that_may_mean_several_figures_is_refused_with_them(
    corpus: Corpus, question: str, choices: tuple[str, ...]
) -> None:
    given = ask(corpus, question)
    assert given.refused and given.value is None
    assert all(choice in given.reason for choice in choices), given.reason


@pytest.mark.parametrize(
    "question",
    [
        "What was Corvid's total debt in fiscal 2024?",
        "What was Corvid's net sales in the second half of 2024?",
        "What was Corvid's net sales in Q3 2024?",
        "What was Corvid's net sales in fiscal 2031?",
        "What was Corvid's Inventories in the statement of comprehensive income in fiscal 2024?",
        "What was Corvid's net sales in Japan in fiscal 2024?",
        "What was Corvid's comprehensive income in fiscal 2024?",
        "What was Corvid's deferred provision for income taxes in fiscal 2024?",
    ],
)
def test_what_no_row_gives_is_refused(corpus: Corpus, question: str) -> None:
    assert ask(corpus, question).refused
