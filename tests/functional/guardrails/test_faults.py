"""What goes wrong most, on the deployed app; tests/matrix/faults has the rest of the table."""

import pytest

from tests.functional.guardrails.fault_actions import Told
from tests.functional.guardrails.fault_check import check
from tests.functional.guardrails.fault_table import ROWS, Row
from tests.functional.guardrails.guarded_app import App

CORE = [row for row in ROWS if row.core]


@pytest.mark.parametrize("row", CORE, ids=lambda row: row.name)
def test_a_fault_that_is_likely(app: App, told: Told, row: Row) -> None:
    check(app, told, row)
