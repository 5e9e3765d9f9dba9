"""The report in each of its states on a phone: nothing is wider than it, and all of it can be read.

To look at them by eye: `python -m tools.report_states evaluation.json out/`.
"""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.fakes.training_jobs import make_job, weights
from tests.functional.web_page.accessibility import violations
from tests.functional.web_page.state_check import PHONE
from tools.report_states import states
from training.evaluation import asks
from training.host.events import Events
from training.host.processes import StopSignal
from training.job.channels import Channels
from training.job.pipeline import run
from training.report import render

__all__ = ["weights"]

SMALLEST_TYPE, NARROWEST_NAME = 11.0, 90.0
#: In pixels as they are drawn: of each text in a chart, and of the first column of each table of figures.
_DRAWN = """() => ({
  page: document.documentElement.scrollWidth,
  type: [...document.querySelectorAll("svg text")].map(text =>
    parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a),
  names: [...document.querySelectorAll(".wide th:first-child")].map(name => name.offsetWidth),
})"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> dict[str, str]:
    """The page of each state, from one job."""
    channels = Channels(make_job(tmp_path_factory.mktemp("evaluated") / "job", weights, 100, max_steps="1"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asks, "NEW_TOKENS", 4)
        run(channels, Events(stream=io.StringIO()), StopSignal())
    record = json.loads((channels.data_output / "evaluation.json").read_text())
    return {name: render(state) for name, state in states(record).items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_is_read_on_a_phone(pages: dict[str, str], context: BrowserContext, scheme: Any) -> None:
    page = context.new_page()
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme=scheme)
    for name, content in pages.items():
        page.set_content(content)
        drawn = page.evaluate(_DRAWN)
        assert drawn["page"] <= PHONE["width"], name
        assert drawn["type"] and min(drawn["type"]) >= SMALLEST_TYPE, name
        assert min(drawn["names"]) >= NARROWEST_NAME, name
        assert violations(page) == [], (name, violations(page))
    assert len(pages) == 13
