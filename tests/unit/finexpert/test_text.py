"""Numbers as people read them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from finexpert import text as formatting


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0"),
        (0.00001, "under $0.0001"),
        (0.0042, "$0.0042"),
        (0.1, "$0.10"),
        (1234.5, "$1,234.50"),
        (1.515, "$1.52"),
        (0.00425, "$0.0043"),
        (-2, "-$2.00"),
    ],
)
def test_dollars_never_read_as_free_when_they_are_not(amount: Any, text: Any) -> None:
    assert formatting.usd(amount) == text


DURATIONS = {
    0.04: "0.0 s",
    9.94: "9.9 s",
    9.96: "10 s",
    59.6: "1 min 00 s",
    185: "3 min 05 s",
    7800: "2 h 10 min",
}


@pytest.mark.parametrize(("seconds", "text"), DURATIONS.items())
def test_durations(seconds: Any, text: Any) -> None:
    assert formatting.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(999, "999 B"), (64_200, "64.2 kB"), (999_990, "1.0 MB"), (13_500_000_000, "13.5 GB")]
)
def test_sizes(count: Any, text: Any) -> None:
    assert formatting.size(count) == text


def test_differences_carry_their_sign_and_zero_none() -> None:
    assert formatting.signed(-0.3571) == "−0.357"
    assert formatting.signed(0.02) == "+0.020"
    assert formatting.signed(-0.0001) == "0.000"
    assert formatting.interval([-0.5, 0.25], 2) == "[−0.50, +0.25]"


def test_sparkline_scales_between_lowest_and_highest_and_shows_the_newest() -> None:
    assert formatting.sparkline([0, 7]) == "▁█"
    assert formatting.sparkline([5, 5, 5]) == "▁▁▁"
    assert formatting.sparkline([9, 1, 2], width=2) == "▁█"
    assert formatting.sparkline([]) == ""


def test_a_moment_in_the_future_is_now() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert formatting.when(now + timedelta(seconds=5), now) == "0.0 s ago"


def test_one_is_singular() -> None:
    counted = [formatting.counted(n, "region") for n in (0, 1, 2, 1000)]
    assert counted == ["0 regions", "1 region", "2 regions", "1,000 regions"]
