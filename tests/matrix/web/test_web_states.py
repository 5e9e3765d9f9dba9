"""Every state of the page: what it shows, no accessibility violation, light and dark, on a phone too.

To look at them by eye: FINEXPERT_SCREENSHOTS=out/screens pytest tests/matrix/web
"""

from typing import Any

import pytest

from tests.functional.web_page.page_states import STATES, State
from tests.functional.web_page.state_check import hold


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_every_state(visit: Any, api: Any, state: State) -> None:
    hold(state, visit, api)
