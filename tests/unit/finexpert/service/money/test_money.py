"""`finexpert plan` and `finexpert costs`: the guards' own sums, for people and programs."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from core.admission.reservations import Book, Reservation
from core.money.prices import hourly
from core.money.spend import Line, Spend
from core.names import RUN_NAMES
from finexpert.cli import main as cli
from finexpert.cli.commands import costs as costs_command
from finexpert.cli.commands import plan as plan_command
from finexpert.errors import ExitCode
from finexpert.service.money import costs, plan
from infra.settings import Settings
from tests.fakes.deployment import deployment
from tests.fakes.s3 import FakeS3

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Account:
    """The app's settings, a month so far, and what other runs have reserved."""

    def __init__(self) -> None:
        self.lines: tuple[Line, ...] = ()
        self.book = Book()
        self.settings: dict[str, Any] = {}
        self.s3 = FakeS3({RUN_NAMES: b"{}"})

    def spends(self, usd: float, usd_per_hour: float = 0.0, name: str = "endpoint") -> None:
        burns: Any = {"running": usd_per_hour > 0, "usd_per_hour": usd_per_hour}
        self.lines = (Line(name=name, kind="endpoint", usd=usd, how=lambda: "hours × price", **burns),)

    def month(self, deployment: object, *, now: datetime) -> Spend:
        return Spend(month=NOW.replace(day=1, hour=0), now=NOW, lines=self.lines, committed_usd=0.0)

    def deployment(self, *_: object, **__: object) -> Any:
        there = deployment(self.s3, output="bucket", local=False)
        there.settings = Settings.load(self.settings, {})
        return there


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account()
    for module in (plan_command, costs_command):
        monkeypatch.setattr(module, "open_deployment", made.deployment)
    monkeypatch.setattr(costs, "month_to_date", made.month)
    monkeypatch.setattr(costs, "absence", lambda deployment: None)
    monkeypatch.setattr(plan, "month_to_date", made.month)
    monkeypatch.setattr(plan.reservations, "read", lambda s3, bucket: made.book)
    return made


def ask(*arguments: str) -> tuple[int, Any]:
    result = CliRunner().invoke(cli.app, [*arguments, "--json"])
    return result.exit_code, json.loads(result.stdout)


def test_a_plan_tells_worst_and_expected_cost_price_and_its_age(account: Account) -> None:
    account.spends(5.0)
    code, made = ask("plan", "--tokens", "912000")
    admission = made["admission"]
    assert code == 0 and made["refusal"] == ""
    assert admission["worst_case_usd"] == pytest.approx(made["worst_case_usd"], abs=1e-3)
    # 912,000 tokens at 912 a second, and 340 s around them.
    assert admission["expected_usd"] == pytest.approx(admission["usd_per_hour"] * 1340 / 3600, abs=1e-3)
    assert "$1.515 per hour" in made["price"] and made["price_age_days"] >= 0


def test_more_instances_are_offered_as_one(account: Account) -> None:
    account.settings = {"training_instance_count": "2"}
    _, made = ask("plan")
    assert "1 × ml.g5.2xlarge" in [each["what"] for each in made["cheaper"]]
    assert "cheaper" in CliRunner().invoke(cli.app, ["plan"]).output


def test_a_run_that_would_be_refused_shows_the_sum_and_fails(account: Account) -> None:
    account.spends(24.0)
    code, made = ask("plan")
    assert code == ExitCode.FAILED and made["admission"] is None
    assert "$25.00 budget − $24.00 spent" in made["refusal"]
    assert "does not allow this job" in CliRunner().invoke(cli.app, ["plan"]).output


def test_what_others_have_reserved_is_not_planned_twice(account: Account) -> None:
    reserved = Reservation(job="other", usd=22.8, usd_per_hour=1.5, until=datetime(2999, 1, 1, tzinfo=UTC))
    account.book = Book(reservations=(reserved,), etag="1")
    code, made = ask("plan")
    assert code == ExitCode.FAILED and "$22.80 for running and reserved jobs" in made["refusal"]


def test_costs_tell_the_hours_to_the_guard_s_limit_and_the_age_of_the_prices(account: Account) -> None:
    account.spends(20.0, usd_per_hour=1.5)
    _, told = ask("costs")
    assert (told["limit_usd"], told["hours_to_limit"]) == (23.0, 2.0)
    price = hourly("ml.g5.2xlarge", "us-east-1", "training")
    assert told["prices"][0]["usd"] == price.usd
    assert told["prices"][0]["age_days"] == price.age_days(datetime.now(UTC))
    shown = CliRunner().invoke(cli.app, ["costs"]).output
    assert "stopped at $23.00: in 2.0 h" in shown and f"{price.age_days(datetime.now(UTC))} days ago" in shown


def test_where_nothing_runs_no_hours_are_reported(account: Account) -> None:
    account.spends(20.0)
    assert ask("costs")[1]["hours_to_limit"] is None
    assert "at this pace" not in CliRunner().invoke(cli.app, ["costs"]).output


def test_costs_name_runs_as_people_do(account: Account) -> None:
    job = "finexpert-20261129-155512-4d6a"
    account.spends(1.0, name=f"{job}-od")  # the on-demand retry belongs to the run
    assert ask("costs")[1]["lines"][0]["title"] == ""
    account.s3.objects[RUN_NAMES] = json.dumps({job: "Halvorsen calls"}).encode()
    assert ask("costs")[1]["lines"][0]["title"] == "Halvorsen calls"
    assert f"Halvorsen calls ({job}-od)" in CliRunner().invoke(cli.app, ["costs"]).output
    account.s3.objects[RUN_NAMES] = b"torn"
    assert ask("costs")[1]["lines"][0]["usd"] == 1.0
