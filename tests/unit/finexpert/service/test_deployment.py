"""The deployed app's own settings are the truth; what is not deployed here is not asleep and costs not $0."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from botocore.exceptions import ClientError

from finexpert.cli.commands import costs as costs_command
from finexpert.errors import NotDeployed
from finexpert.service.asking import inference
from finexpert.service.deployment import Deployment, describe_stack, find, require_deployed
from finexpert.service.endpoint import switch
from finexpert.service.money import costs
from finexpert.service.target import Target
from finexpert.views import display
from infra.settings import Settings

LOCAL = Settings.load({}, {})


def error(code: str, message: str = "m") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Op")


@dataclass(frozen=True)
class Account(Target):
    """AWS in one region: the stored settings (or an error instead), and each stack's status ("" for none)."""

    stored: Any = None
    status: str = ""
    endpoint_url: str | None = None
    environment: dict[str, str] = field(default_factory=lambda: {"AWS_REGION": "us-east-1"})

    def client(self, service: str, region: str | None = None, *, read_seconds: int = 60) -> Any:
        return SimpleNamespace(
            get_parameter=self._parameter,
            describe_stacks=self._stacks,
            describe_endpoint=self._no_endpoint,
            get_caller_identity=lambda: {"Account": "123456789012"},
        )

    def _no_endpoint(self, **_: Any) -> Any:
        raise error("ValidationException", "Could not find endpoint.")

    def _parameter(self, **_: Any) -> Any:
        if isinstance(self.stored, Exception):
            raise self.stored
        return {"Parameter": {"Value": self.stored}}

    def _stacks(self, **named: Any) -> Any:
        if not self.status:
            raise error("ValidationError", f"Stack with id {named['StackName']} does not exist")
        return {"Stacks": [{"StackStatus": self.status}]}


def stored(settings: Settings) -> str:
    return json.dumps(settings.deployed(alert_email="you@example.com"))


def test_the_deployed_settings_are_read_and_differences_named() -> None:
    deployed = replace(LOCAL, budget_usd=4.0, hyperparameters={**LOCAL.hyperparameters, "epoch": "9"})
    found = find(Account(stored=stored(deployed)))
    assert (found.settings.budget_usd, found.settings.alert_email) == (4.0, "you@example.com")
    assert found.settings.accept_eula
    assert found.differences == {"budget_usd": (4.0, 25.0), "hyperparameters.epoch": ("9", "5")}
    note = display.settings_note(found)
    assert "budget_usd 4 (here 25)" in note and "hyperparameters.epoch 9 (here 5)" in note


def test_where_nothing_differs_nothing_is_said() -> None:
    found = find(Account(stored=stored(LOCAL)))
    assert found.differences == {} and display.settings_note(found) == ""


def test_an_address_given_here_that_is_not_the_deployed_one_differs() -> None:
    here = {"AWS_REGION": "us-east-1", "FINEXPERT_ALERT_EMAIL": "me@example.com"}
    found = find(Account(stored=stored(LOCAL), environment=here))
    assert found.differences == {"alert_email": ("you@example.com", "me@example.com")}


def test_what_is_given_for_one_command_stands_over_the_deployed_settings() -> None:
    deployed = replace(LOCAL, budget_usd=4.0, idle_minutes=30)
    flags = {"budget_usd": "40", "hyperparameters": '{"epoch": "7"}'}
    found = find(replace(Account(stored=stored(deployed)), flags=flags))
    assert (found.settings.budget_usd, found.settings.idle_minutes) == (40.0, 30)
    assert found.settings.hyperparameters == {**LOCAL.hyperparameters, "epoch": "7"}
    assert found.differences["budget_usd"] == (4.0, 40.0)
    assert found.differences["hyperparameters.epoch"] == ("5", "7")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (error("ParameterNotFound"), ""),
        (error("AccessDeniedException"), "AccessDeniedException"),
        ("{}", "another version"),
        ("null", "another version"),
        ("[]", "another version"),
        ("{torn", "another version"),
    ],
)
def test_without_stored_settings_those_of_the_shell_hold_and_it_is_said(answer: Any, problem: str) -> None:
    found = find(Account(stored=answer))
    assert found.settings == LOCAL and found.differences == {}
    assert problem in found.problem and bool(found.problem) == bool(problem)
    assert bool(display.settings_note(found)) == bool(problem)


ACTS: dict[str, Callable[[Deployment], Any]] = {
    "sleep": lambda deployment: switch.begin_sleep(deployment),
    "wake": lambda deployment: switch.begin_wake(deployment, None),
    "wake a run": lambda deployment: switch.begin_wake(deployment, "run-1"),
    "wake the base": lambda deployment: switch.wake_base(deployment, progress=lambda state, seconds: None),
    "ask and chat": inference.require_awake,
    "any command": lambda deployment: deployment.output("Training", "StateMachineArn"),
    "costs": require_deployed,
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("status", ["", "REVIEW_IN_PROGRESS"])
def test_what_is_not_deployed_here_is_not_asleep(act: str, status: str) -> None:
    elsewhere = Account(status=status, environment={"AWS_REGION": "eu-west-1"})
    with pytest.raises(NotDeployed) as told:
        ACTS[act](Deployment(elsewhere, LOCAL))
    assert "123456789012" in told.value.where and "eu-west-1" in told.value.where
    assert "AWS_REGION=us-east-1" in told.value.fix


def test_the_billing_stack_alone_does_not_mean_that_the_app_is_here() -> None:
    @dataclass(frozen=True)
    class OnlyBilling(Account):
        def _stacks(self, **named: Any) -> Any:
            here = replace(self, status="CREATE_COMPLETE" if "Billing" in named["StackName"] else "")
            return Account._stacks(here, **named)

    with pytest.raises(NotDeployed):
        require_deployed(Deployment(OnlyBilling(environment={"AWS_REGION": "eu-west-1"}), LOCAL))


def test_a_mistyped_prefix_is_a_possible_reason() -> None:
    with pytest.raises(NotDeployed) as told:
        describe_stack(Deployment(Account(), LOCAL), "Hosting")
    assert "-c prefix=" in told.value.fix and "us-east-1" in told.value.where


@pytest.mark.parametrize("json_wanted", [True, False])
def test_costs_of_an_app_not_here_are_no_zero(monkeypatch: pytest.MonkeyPatch, json_wanted: bool) -> None:
    spend: Any = SimpleNamespace(lines=())
    monkeypatch.setattr(costs, "month_to_date", lambda deployment, now: spend)
    monkeypatch.setattr(costs_command, "open_deployment", lambda context: Deployment(Account(), LOCAL))
    context: Any = None
    with pytest.raises((NotDeployed, typer.Exit)) as ended:
        costs_command.costs(context, json=json_wanted)
    assert isinstance(ended.value, NotDeployed)
