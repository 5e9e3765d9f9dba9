"""How many requests a run may send: batches for all, single calls for candidates only."""

from typing import Any

import pytest

from tests.fakes.cloud import Cloud
from tests.unit.core.reaper.reaping import reaped


def calls(cloud: Cloud, **settings: Any) -> int:
    answer = reaped(cloud, **settings)
    assert answer["complete"] and answer["api_calls"] == len(cloud.log)
    return int(answer["api_calls"])


@pytest.mark.parametrize("size", [1, 40, 1000])
def test_a_busy_fleet_costs_pages_only(size: int) -> None:
    cloud = Cloud()
    for number in range(size):
        cloud.requests(cloud.endpoint(f"busy-{number}"), 20)
    assert calls(cloud) <= size / 40 + 10


def quarter_idle() -> Cloud:
    cloud = Cloud()
    for number in range(1000):
        name = cloud.endpoint(f"e-{number}")
        if number % 4:
            cloud.requests(name, 20)
    return cloud


def test_idle_endpoints_cost_two_calls_each() -> None:
    cloud = quarter_idle()
    assert calls(cloud, max_deletes=0) <= 0.55 * 1000


def test_a_dry_run_looks_at_nothing_twice() -> None:
    cloud = quarter_idle()
    assert calls(cloud, max_deletes=1000, dry_run=True) <= 0.55 * 1000


def test_other_projects_cost_nothing_beyond_the_pages() -> None:
    cloud = Cloud()
    for number in range(500):
        cloud.endpoint(f"theirs-{number}", project="Theirs")
    assert calls(cloud) <= 500 / 40 + 10


def test_a_young_fleet_is_settled_by_the_list_alone() -> None:
    cloud = Cloud()
    for number in range(250):
        cloud.endpoint(f"young-{number}", age=5)
    assert calls(cloud) == 3
