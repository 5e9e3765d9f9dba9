"""Every row of the table of faults that `make test` does not carry out."""

import pytest

from tests.functional.guardrails.fault_actions import Told
from tests.functional.guardrails.fault_check import check
from tests.functional.guardrails.fault_table import ROWS, Row
from tests.functional.guardrails.guarded_app import App

REST = [row for row in ROWS if not row.core]


@pytest.mark.parametrize("row", [row for row in REST if not row.spot], ids=lambda row: row.name)
def test_a_fault(app: App, told: Told, row: Row) -> None:
    check(app, told, row)


@pytest.mark.parametrize("row", [row for row in REST if row.spot], ids=lambda row: row.name)
def test_a_fault_on_spot(spot_app: App, row: Row) -> None:
    check(spot_app, Told(spot_app), row)
