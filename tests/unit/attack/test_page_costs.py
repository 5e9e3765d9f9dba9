"""What strangers can cost on the deployed page, and that the spend guard closes it at the month's limit."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest

from core.guard.guarding import GuardBlind, GuardSettings, guard
from finexpert.web import files
from infra.web.api import OPEN_RATE
from tests.fakes.cloud import BUDGET_ENVIRONMENT, Cloud, error, minutes
from tests.unit.lambdas.test_guards import RUN

PAGE = "finexpert-web"
ROOT = Path(__file__).resolve().parents[3]


class WithPage(Cloud):
    """The cloud with the page's function: its concurrency, None where none is reserved."""

    concurrency: int | None = None

    def get_function_concurrency(self, FunctionName: str) -> dict[str, Any]:
        assert FunctionName == PAGE
        found = self.concurrency
        return {} if found is None else {"ReservedConcurrentExecutions": found}

    def put_function_concurrency(self, FunctionName: str, ReservedConcurrentExecutions: int) -> None:
        self.concurrency = ReservedConcurrentExecutions

    def delete_function_concurrency(self, FunctionName: str) -> None:
        self.concurrency = None


@pytest.fixture
def cloud() -> WithPage:
    return WithPage()


def look(cloud: Cloud, budget: str, **more: str) -> dict[str, Any]:
    settings = GuardSettings.load(
        BUDGET_ENVIRONMENT
        | {"BUDGET_USD": budget, "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:t", **more}
    )
    return guard(settings, cloud, cloud.now, billing=lambda: cloud("cloudwatch"), pause=lambda _: None)


@pytest.mark.parametrize("reserved", [0, 5])
def test_the_page_is_closed_at_the_limit_and_opens_again_below_it(cloud: WithPage, reserved: int) -> None:
    cloud.concurrency = reserved or None
    told = {"PAGE_FUNCTION": PAGE, "PAGE_CONCURRENCY": str(reserved)}
    cloud.training_job(RUN, hours=10)
    assert not look(cloud, "25", **told)["over"]
    assert cloud.concurrency == (reserved or None)
    answer = look(cloud, "10", **told)
    assert answer["over"] and any("page is closed" in done for done in answer["stopped"])
    assert cloud.concurrency == 0
    cloud.now += minutes(5)
    again = look(cloud, "10", **told)
    assert again["over"] and not any("page" in done for done in again["stopped"]), "reported once"
    answer = look(cloud, "100", **told)
    assert answer["stopped"] == ["the page is open again"]
    assert cloud.concurrency == (reserved or None)


def test_the_guard_without_spending_closes_it_too(cloud: WithPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.guard.guarding.prices.problem", lambda: "there are no prices")
    with pytest.raises(GuardBlind, match="no prices"):
        look(cloud, "25", PAGE_FUNCTION=PAGE)
    assert cloud.concurrency == 0


def test_a_page_that_is_not_deployed_yet_is_no_problem(cloud: WithPage) -> None:
    missing = error("ResourceNotFoundException", "Function not found")
    cloud.failures["GetFunctionConcurrency"] = missing
    assert not look(cloud, "25", PAGE_FUNCTION=PAGE)["problems"]


def test_a_page_that_cannot_be_closed_is_reported(cloud: WithPage) -> None:
    cloud.training_job(RUN, hours=10)
    cloud.failures["PutFunctionConcurrency"] = error("AccessDeniedException", "no")
    with pytest.raises(GuardBlind, match="page cannot be closed: AccessDenied"):
        look(cloud, "10", PAGE_FUNCTION=PAGE)
    assert "NOT STOPPED: the page cannot be closed" in cloud.messages[0]["Message"]


def test_without_a_page_nothing_is_asked_of_lambda(cloud: WithPage) -> None:
    look(cloud, "25")
    assert not cloud.called("GetFunctionConcurrency")


def worst(seconds: float) -> dict[str, float]:
    """Dollars by kind when strangers ask for the dearest file all the while, unzipped; list prices of
    us-east-1, and 10 ms of 1 GB a request assumed."""
    requests = OPEN_RATE * seconds
    served = (files.serve(f"/vendor/{name}").body for name in ("preact.js", "uplot.js", "htm.js", "hooks.js"))
    largest = max(len(bytes(body)) for body in served)  # type: ignore[arg-type]
    return {
        "API": requests * 1.00e-6,
        "function": requests * (0.20e-6 + 0.010 * 0.0000166667),
        "traffic": requests * largest / 1e9 * 0.09,
        "log": requests * 350 / 1e9 * 0.50,
    }


def test_a_month_of_strangers_costs_what_the_docs_say_and_less_than_the_budget() -> None:
    month = worst(31 * 86_400)
    text = (ROOT / "docs" / "web.md").read_text(encoding="utf-8")
    part = text.partition("## What strangers can cost")[2].partition("\n## ")[0]
    said = [float(figure) for figure in re.findall(r"^- .*: \$([0-9.]+)$", part, re.MULTILINE)]
    assert said == [round(usd, 2) for usd in month.values()]
    assert sum(month.values()) < float(BUDGET_ENVIRONMENT["BUDGET_USD"])


def test_what_a_closed_page_still_bills_is_below_the_reserve() -> None:
    month = worst(31 * 86_400)
    assert month["API"] + month["log"] < float(BUDGET_ENVIRONMENT["RESERVE_USD"])


def test_what_goes_out_is_zipped_to_less_than_half() -> None:
    body = bytes(files.serve("/vendor/uplot.js").body)  # type: ignore[arg-type]
    assert len(gzip.compress(body)) < len(body) / 2
