"""Every bad input ends in a clear error, wherever it is given; `bad_inputs.py` has the table."""

import pytest

from tests.unit.bad_input.bad_entries import Desk
from tests.unit.bad_input.bad_inputs import ROWS, Row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.given.door}: {row.what}")
def test_a_bad_input_is_a_clear_error(desk: Desk, row: Row) -> None:
    told = row.given.offer(desk)
    for words in row.says:
        assert words in told, told
    assert len(told) < 5000, "a long input must not become a long message"
    assert "Traceback" not in told and 'File "' not in told, told


def test_the_table_is_long_and_says_each_thing_once() -> None:
    assert len(ROWS) >= 60
    assert len({(row.given.door, row.what) for row in ROWS}) == len(ROWS)
    assert all(row.says and all(row.says) for row in ROWS)
