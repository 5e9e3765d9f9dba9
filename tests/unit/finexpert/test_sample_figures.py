"""Figures of the sample that were once wrong, calculated again from the text beside them."""

import re
from collections.abc import Callable

import pytest

from finexpert.paths import SAMPLE

Figures = list[float]
Holds = Callable[[Figures], bool]


def document(file: str, line: int) -> str:
    return (SAMPLE / f"{file}.txt").read_text(encoding="utf-8").splitlines()[line - 1]


def figures(text: str, pattern: str) -> Figures:
    found = re.search(pattern.replace(".*", ".*?"), text)
    assert found, pattern
    return [float(figure.replace(",", "")) for figure in found.groups()]


N = r"([\d,]+(?:\.\d+)?)"


#: File and line, what the figures are taken by (joined by anything), and what must hold of them.
CHECKS: list[tuple[str, int, str, Holds]] = [
    (  # at most 0.55 % for two years on 50 million, less what the later years cost
        "derivatives_and_options",
        11,
        rf"pay {N}%.*on \${N} million until.*asset of about \${N} million.*average of {N}%",
        lambda f: 0 < f[2] < 2 * (f[3] - f[0]) / 100 * f[1],
    ),
    (  # what the old customers brought is the net retention's gain
        "earnings_commentary",
        7,
        rf"from \${N} million. Net new recurring revenue was \${N} million.*net retention at {N}%",
        lambda f: abs(f[0] * (f[2] - 100) / 100 / f[1] - 2 / 5) < 0.03,
    ),
    (
        "earnings_commentary",
        7,
        rf"at \${N} million, an increase of \d+% from \${N} million.*totaled \${N} million, \${N} million"
        rf" from subscriptions and \${N} million",
        lambda f: f[1] < f[3] < f[0] and abs(f[3] + f[4] - f[2]) < 0.05,
    ),
    (
        "earnings_commentary",
        7,
        rf"totaled \${N} million.*loss narrowed to \${N} million.*compensation of \${N} million the business"
        rf" earned \${N} million, or {N}%",
        lambda f: abs(f[2] - f[1] - f[3]) < 0.05 and abs(f[3] / f[0] * 100 - f[4]) < 0.05,
    ),
    (  # a normal error within the band in about six of ten years has this mean
        "outlook_and_forecasting",
        3,
        rf"outcome by {N}% on average.*plus or minus {N}% for revenue",
        lambda f: 0.9 < f[0] / f[1] < 1.1,
    ),
    (
        "outlook_and_forecasting",
        9,
        rf"grow {N}% a year.*represent {N} points.*total {N} megawatts; we count only {N},.*and {N}% of the"
        rf" unsigned.*would be {N}%",
        lambda f: abs(f[0] + f[1] / f[3] * (f[2] - f[3]) * f[4] / 100 - f[5]) < 0.06,
    ),
    (
        "portfolio_and_investment_tests",
        11,
        rf"average of {N} points.*difference is {N} points, the standard error of the mean {N}, and the ratio"
        rf" of the mean to that error {N}",
        lambda f: abs(f[1] / 18**0.5 - f[2]) < 0.05 and abs(f[0] / f[2] - f[3]) < 0.06,
    ),
    (  # mean of all starting months from the two shares
        "portfolio_and_investment_tests",
        17,
        rf"in {N}% of cases, and by {N}% of the capital on average over all.*better, by {N}% on average",
        lambda f: f[1] > 0 and (f[1] + (1 - f[0] / 100) * f[2]) / (f[0] / 100) > f[2],
    ),
    (
        "market_and_volume_analysis",
        3,
        rf"minus {N} gained {N}%.*with a delta of {N} lost {N}%.*together made {N}%.*rose by {N}%.*explains"
        rf" {N} points of gain.*and {N} points of loss.*is left, {N}%",
        lambda f: (
            abs(f[1] - f[3] - f[4]) < 0.05
            and abs(f[0] * f[5] - f[6]) < 0.05
            and abs(f[2] * f[5] - f[7]) < 0.05
            and abs(f[1] - f[6] - f[8]) < 0.05
        ),
    ),
    (  # a twelfth of twenty-four months' weeks, five groups of 21 weeks, a weekly deviation of 1.4 %
        "market_and_volume_analysis",
        5,
        rf"returned {N}% in the following week, and {N}%.*spread of {N}% is barely",
        lambda f: abs(f[0] - f[1] - f[2]) < 0.005 and f[2] / (1.4 * (2 / 21) ** 0.5) < 1.1,
    ),
    (
        "segment_results",
        31,
        rf"at a gross margin of {N}%, dry grocery 38% at {N}%.*waste, which is {N}%.*dry grocery {N}% and"
        rf" fresh food {N}%",
        lambda f: 1.4 < (f[0] - f[2] - f[4]) / (f[1] - f[3]) < 1.7,
    ),
    (
        "segment_results",
        23,
        rf"Revenue of \${N} million.*brings \${N} a month for.*from {N} to {N},",
        lambda f: abs(f[1] * 12 * (f[2] + f[3]) / 2 / 1e6 - f[0]) < 0.5,
    ),
    (
        "segment_results",
        23,
        rf"Revenue of \${N} million exceeds the \${N} million.*margin of {N}% yields \${N} million of profit"
        rf" against \${N} million at {N}%",
        lambda f: abs(f[0] * f[2] / 100 - f[3]) < 0.1 and abs(f[1] * f[5] / 100 - f[4]) < 0.1,
    ),
    ("segment_results", 23, rf"average of {N} months.*Churn of {N}%", lambda f: abs(100 / f[1] - f[0]) < 1),
    (
        "segment_results",
        9,
        rf"loss of \${N} million.*the {N} units already sold will be retrofitted at a cost of \${N} each, or"
        rf" \${N} million, of which \${N} million",
        lambda f: abs(f[1] * f[2] / 1e6 - f[3]) < 0.05 and abs(f[0] / 2 - f[4]) < 0.005,
    ),
    (
        "credit_and_lending",
        21,
        rf"charge-offs {N}%.*spread of {N}% remains.*fell below {N}%.*take the spread to {N}%",
        lambda f: abs(f[1] - f[0] - f[3]) < 0.05 and f[3] < f[2],
    ),
    (
        "credit_and_lending",
        3,
        rf"is {N}% of loans.*About \${N} million of the provision reflects growth in the portfolio from \${N}"
        rf" billion to \${N} billion",
        lambda f: abs(f[0] / 100 * (f[3] - f[2]) * 1000 - f[1]) < 0.5,
    ),
    (
        "risk_factors",
        19,
        rf"{N} claims have been received and {N} settled.*provision of \${N} million.*{N} pending and further"
        rf" claims are settled by 2034 at a cost of \${N} each.*would be \${N} million",
        lambda f: (
            abs(f[3] * f[4] / 1e6 - f[2]) < 0.05
            and f[3] > f[0] - f[1]
            and abs(f[2] * 1.25 * 1.2 - f[5]) < 0.05
        ),
    ),
    (
        "cash_flow_and_liquidity",
        21,
        rf"From Brazil, \${N} million.*subject to {N}% withholding, so \${N} million",
        lambda f: abs(f[0] * (1 - f[1] / 100) - f[2]) < 0.06,
    ),
    (
        "derivatives_and_options",
        9,
        rf"{N}% of assets annually.*added up to {N}% and payoffs to {N}%, for a net cost of {N}%.*extra {N}%"
        rf" of assets.*cost about {N} basis points a year",
        lambda f: (
            abs(f[0] * 10 - f[1]) < 0.05
            and abs(f[1] - f[2] - f[3]) < 0.05
            and abs((f[3] - f[4]) * 10 - f[5]) < 0.5
        ),
    ),
]


@pytest.mark.parametrize(
    ("file", "line", "pattern", "holds"), CHECKS, ids=[f"{file}:{line}" for file, line, *_ in CHECKS]
)
def test_a_corrected_figure_follows(file: str, line: int, pattern: str, holds: Holds) -> None:
    found = figures(document(file, line), pattern)
    assert holds(found), found


@pytest.mark.parametrize(
    ("file", "line", "gone", "now"),
    [
        ("outlook_and_forecasting", 3, "ten years the initial", "past fifteen years"),  # 2009 and 2020
        ("outlook_and_forecasting", 11, "at all; 11%", "at all: 11%"),
        ("portfolio_and_investment_tests", 13, "Ninety-one percent", "More than all of the improvement"),
        ("portfolio_and_investment_tests", 9, "five rules", "four rules"),
        ("portfolio_and_investment_tests", 9, "eleven trades", "twenty-four trades a year counting both"),
        ("portfolio_and_investment_tests", 11, "is moderate", "is weak"),
        ("derivatives_and_options", 27, "expired worthless", "five of the twelve calls were sold"),
        ("derivatives_and_options", 27, "cumulative 19%", "cumulative 12%"),  # the deepest fall is 13 %
        ("derivatives_and_options", 9, "custody fee", "12 basis points a year."),
        ("market_and_volume_analysis", 27, "call spread", "calls as insurance"),
        ("segment_results", 31, "order reverses", "order changes"),
        ("risk_factors", 9, "of regulatory capital", "of the capital ratio"),
        ("risk_factors", 17, "restores a comparable margin", "outside the ratio"),
    ],
)
def test_a_corrected_sentence_stays_corrected(file: str, line: int, gone: str, now: str) -> None:
    text = document(file, line)
    assert gone not in text
    assert now in text
