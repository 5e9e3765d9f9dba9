"""The endpoint's document in each state of the Hosting stack, and why it is in that state."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.endpoint.hosting import Hosting, HostingState, state_of
from core.endpoint.waking import ModelUnanswered, Outcome
from core.money.events import StackEvent
from finexpert.service.asking import answerers
from finexpert.service.asking.answerers import Answerer, Base
from finexpert.service.endpoint import reaper, standing, switch
from finexpert.service.endpoint.reaper import Decided, Expectation, Foresight
from finexpert.service.endpoint.standing import ENDPOINT, STACK
from finexpert.web.context import Context
from tests.unit.finexpert.web.web_app import NOW, Ask

ARTIFACT = "s3://artifacts/runs/finexpert-1/output/model.tar.gz"
REAPED = "no use for 60 minutes or more"


def at(minute: float) -> datetime:
    return NOW + timedelta(minutes=minute)


@dataclass
class Account:
    """Hosting's stack with its events, the reaper's decisions, and what is foreseen."""

    status: str = "CREATE_COMPLETE"
    artifact: str = ""
    events: list[StackEvent] = field(default_factory=list)
    decisions: list[Decided] = field(default_factory=list)
    foresight: Foresight | None = None

    def stack(self) -> Hosting:
        state = state_of(self.status, self.artifact)
        return Hosting(stack="FinExpert-Hosting", state=state, status=self.status, artifact=self.artifact)

    def happened(self, *happenings: tuple[float, str, str]) -> None:
        """(minute, resource type, status) each."""
        self.events += [
            StackEvent(time=at(minute), logical_id="x", resource_type=kind, status=status)
            for minute, kind, status in happenings
        ]

    def decided(self, since: datetime, until: datetime) -> list[Decided]:
        return [each for each in self.decisions if since <= each.at <= until]


@pytest.fixture
def account(context: Context, monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account()
    monkeypatch.setattr(context.deployment.target, "client", {"cloudformation": None}.__getitem__)
    monkeypatch.setattr(switch, "read", lambda deployment: made.stack())
    monkeypatch.setattr(switch, "models", lambda deployment: {"base": "a", "tuned": "b"})
    monkeypatch.setattr(answerers, "who", lambda deployment: (Answerer(model="base", base=Base(name="B")),))
    monkeypatch.setattr(standing, "_events", lambda deployment: made.events)
    monkeypatch.setattr(standing, "failure_reason", lambda client, stack: "Endpoint: no capacity")
    monkeypatch.setattr(reaper, "decisions", lambda deployment, since, until: made.decided(since, until))
    monkeypatch.setattr(reaper, "forecast", lambda deployment, now: made.foresight)
    return made


def shown(ask: Ask) -> dict[str, Any]:
    status, document = ask("GET", "/api/endpoint")
    assert status == 200, document
    return dict(document)


def test_what_was_never_woken_promises_nothing(ask: Ask, account: Account) -> None:
    asleep = shown(ask)
    assert (asleep["state"], asleep["reason"], asleep["can_wake"]) == ("asleep", "", True)
    assert asleep["wake_seconds_expected"] == {"seconds": None, "from": "no wake yet"}
    assert asleep["usd_per_hour"] == 1.515


def test_the_reaper_is_named_where_it_put_it_to_sleep_and_only_there(ask: Ask, account: Account) -> None:
    account.status = "UPDATE_COMPLETE"
    account.happened((0, STACK, "UPDATE_IN_PROGRESS"), (4, STACK, "UPDATE_COMPLETE"))
    account.decisions = [Decided(endpoint="finexpert", action="delete", reason=REAPED, since=at(1), at=at(1))]
    assert shown(ask)["reason"] == REAPED
    account.decisions = [Decided(endpoint="other", action="delete", reason=REAPED, since=at(1), at=at(1))]
    assert shown(ask)["reason"] == ""
    account.decisions = [
        Decided(endpoint="finexpert", action="delete", reason="old", since=at(-99), at=at(-99))
    ]
    assert shown(ask)["reason"] == ""


def test_a_wake_under_way_tells_since_when_and_how_long_others_took(ask: Ask, account: Account) -> None:
    account.status, account.artifact = "UPDATE_IN_PROGRESS", ARTIFACT
    account.happened(
        (-60, STACK, "UPDATE_IN_PROGRESS"),
        (-59, ENDPOINT, "CREATE_IN_PROGRESS"),
        (-53, STACK, "UPDATE_COMPLETE"),
        (-2, STACK, "UPDATE_IN_PROGRESS"),
        (-1, ENDPOINT, "CREATE_IN_PROGRESS"),
    )
    waking = shown(ask)
    assert (waking["state"], waking["run"], waking["can_wake"]) == ("waking", "finexpert-1", False)
    assert datetime.fromisoformat(waking["wake_began"]) == at(-2)
    assert waking["wake_seconds_expected"] == {"seconds": 420.0, "from": "past wakes"}


def test_a_wake_that_failed_says_why_and_may_be_tried_again(ask: Ask, account: Account) -> None:
    account.status = "UPDATE_ROLLBACK_COMPLETE"
    account.happened(
        (0, STACK, "UPDATE_IN_PROGRESS"),
        (1, ENDPOINT, "CREATE_IN_PROGRESS"),
        (2, STACK, "UPDATE_ROLLBACK_IN_PROGRESS"),
        (4, STACK, "UPDATE_ROLLBACK_COMPLETE"),
    )
    failed = shown(ask)
    assert (failed["state"], failed["reason"]) == ("failed", "Endpoint: no capacity")
    assert failed["can_wake"] is True


def test_a_woken_model_that_does_not_answer_is_a_problem_with_its_words(
    ask: Ask, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.status, account.artifact = "UPDATE_COMPLETE", ARTIFACT

    def finish(clients: Any, names: Any, **how: Any) -> Outcome:
        raise ModelUnanswered("The endpoint woke, but the tuned model does not answer: no adapter.")

    monkeypatch.setattr(switch.waking, "finish", finish)
    status, document = ask("POST", "/api/endpoint/finish", {})
    assert status == 409 and "the tuned model does not answer: no adapter" in document["error"]["message"]


def test_a_broken_stack_cannot_be_woken(ask: Ask, account: Account) -> None:
    account.status = "UPDATE_ROLLBACK_FAILED"
    broken = shown(ask)
    assert (broken["state"], broken["can_wake"]) == ("failed", False)
    assert account.stack().state is HostingState.BROKEN


def test_awake_tells_from_when_and_until_when(ask: Ask, account: Account) -> None:
    account.status, account.artifact = "UPDATE_COMPLETE", ARTIFACT
    expected = Expectation(at(42), at(47))
    account.foresight = Foresight(created=at(-20), sleeps=expected)
    awake = shown(ask)
    assert (awake["state"], awake["models"], awake["kept_until"]) == ("awake", ["base", "tuned"], None)
    moments = [datetime.fromisoformat(awake[key]) for key in ("awake_since", "sleeps_at", "sleeps_by")]
    assert moments == [at(-20), at(42), at(47)]
    account.foresight = Foresight(created=at(-20), sleeps=expected, kept_until=at(42))
    assert datetime.fromisoformat(shown(ask)["kept_until"]) == at(42)


def test_a_promise_for_ever_and_none_at_all_are_told_apart(ask: Ask, account: Account) -> None:
    account.status, account.artifact = "UPDATE_COMPLETE", ARTIFACT
    account.foresight = Foresight(created=at(-20), always=True, reason="protected by its tag")
    kept = shown(ask)
    assert (kept["kept_until"], kept["sleeps_at"], kept["reason"]) == ("always", None, "protected by its tag")
    account.foresight = Foresight(created=at(-20), reason="its use cannot be read: Throttling")
    unknown = shown(ask)
    assert (unknown["kept_until"], unknown["sleeps_at"]) == (None, None)
    assert "cannot be read" in unknown["reason"]


def test_no_stack_is_reported_as_such(ask: Ask, account: Account) -> None:
    account.status = "DELETE_COMPLETE"
    status, document = ask("GET", "/api/endpoint")
    assert (status, document["error"]["code"]) == (409, "not_deployed")
