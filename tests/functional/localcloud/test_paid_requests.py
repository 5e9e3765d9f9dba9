"""Dollars of paid requests, through CloudWatch and back into the month's sum."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.money import requests
from core.money.time import month_start


def test_dollars_that_were_recorded_are_read_for_their_project(client: Callable[..., Any]) -> None:
    cloudwatch, now = client("cloudwatch"), datetime.now(UTC)
    assert requests.read(cloudwatch, project="paid-none", now=now) == []
    for usd in (0.05, 0.02):
        requests.record(cloudwatch, project="paid-app", usd=usd, now=now)
    requests.record(cloudwatch, project="paid-other", usd=9.0, now=now)
    found = requests.read(cloudwatch, project="paid-app", now=now)
    assert sum(each.usd for each in found) == pytest.approx(0.07)
    assert all(month_start(now) <= each.time <= now + timedelta(minutes=1) for each in found)
