"""Every row of the table of faults that `make test` does not carry out."""

from __future__ import annotations

import pytest
from fault_check import check
from fault_table import ROWS, Row, Told
from guarded_app import App


@pytest.mark.parametrize("row", [row for row in ROWS if not row.core], ids=lambda row: row.name)
def test_a_fault(app: App, told: Told, row: Row) -> None:
    check(app, told, row)
