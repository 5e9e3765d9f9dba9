"""A state of each tab; all of them are in tests/matrix/web."""

from typing import Any

import pytest

from tests.functional.web_page.page_states import STATES
from tests.functional.web_page.state_check import hold

OF_EACH_TAB = (
    "start",
    "questions-asked",
    "train-settings",
    "ask-answered",
    "ask-asleep",
    "documents-figure",
    "documents-page",
    "endpoint-awake",
    "money",
    "runs",
    "run-accepted",
    "compare",
)


@pytest.mark.parametrize("name", OF_EACH_TAB)
def test_a_state_of_each_tab(visit: Any, api: Any, name: str) -> None:
    hold(next(state for state in STATES if state.name == name), visit, api)
