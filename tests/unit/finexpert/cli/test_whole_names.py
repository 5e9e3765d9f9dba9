"""What other commands take stands whole at any width and in a pipe, and one cause is reported once."""

import io
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from finexpert.cli.commands import config, leftovers, reap, runs
from finexpert.service import deployment as deployments
from finexpert.service.account import leftovers as account
from finexpert.service.account.leftovers import Audit, Leftover
from finexpert.service.deployment import Deployment
from finexpert.service.endpoint import reaper
from finexpert.service.runs import executions
from finexpert.service.target import Target
from finexpert.views import display
from infra.settings import Settings

RUN = "finexpert-20261129-150154-5596"
FUNCTION = "FinExpert-Prod-Guardrails-CustomS3AutoDeleteObjectsD5F85C344F96a"  # 64, the longest of Lambda's
WIDTHS = (20, 40, 80, 100, 200)
Show = Callable[..., str]


@pytest.fixture(params=WIDTHS)
def show(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Show:
    """Runs a command at a width and returns its output. Every app that it opens has the prefix FinExpert."""
    out, console = io.StringIO(), display.console
    monkeypatch.setattr(
        display, "console", lambda *, stderr=False: console(file=out, width=request.param, stderr=stderr)
    )
    opened = SimpleNamespace(settings=SimpleNamespace(prefix="FinExpert"))

    def run(command: Callable[..., None], *arguments: Any, module: Any) -> str:
        monkeypatch.setattr(module, "open_deployment", lambda context: opened, raising=False)
        with suppress(typer.Exit):
            command(None, *arguments)
        return out.getvalue()

    return run


def test_the_names_of_runs(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = datetime.now(UTC) - timedelta(minutes=12)
    listed = [executions.Run(RUN, "SUCCEEDED", begun, begun + timedelta(seconds=62), "accepted")]
    monkeypatch.setattr(executions, "newest_first", lambda deployment, limit: listed)
    assert RUN in show(runs.list_runs, 20, False, module=runs)


def audited(monkeypatch: pytest.MonkeyPatch, result: Audit) -> None:
    monkeypatch.setattr(account, "regions", lambda deployment: list(result.regions))
    monkeypatch.setattr(account, "audit", lambda *_, **__: result)


def test_the_names_of_what_is_left(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    there = ("functions", FUNCTION), ("endpoint configurations", "c")
    found = tuple(Leftover("us-east-1", kind, name) for kind, name in there)
    kept = (Leftover("us-east-1", "buckets", "finexpert-artifacts-123456789012-us-east-1"),)
    audited(monkeypatch, Audit(found, ("us-east-1",), (), kept))
    printed = show(leftovers.leftovers, False, None, False, module=leftovers)
    assert FUNCTION in printed and kept[0].name in printed


def test_the_names_of_settings(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load({}, {})
    monkeypatch.setattr(config, "chosen_target", lambda context: Target(None, {}))
    found = Deployment(Target(None, {}), settings, settings, stored=settings)
    monkeypatch.setattr(deployments, "find", lambda target: found)
    printed = show(config.config, None, False, module=config)
    for name in deployments.flat(settings):
        assert name in printed


def test_the_names_that_the_reaper_decides_on(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    decision = {"endpoint": FUNCTION, "action": "keep", "reason": "it was called 3 minutes ago"}
    answer = {"decisions": [decision], "complete": True, "api_calls": 3}
    monkeypatch.setattr(reaper, "dry_run", lambda deployment: answer)
    assert FUNCTION in show(reap.reap, True, False, module=reap)


def test_regions_that_are_denied_are_one_line(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    places = tuple(f"region-{number}" for number in range(30))
    unread = tuple(
        f"{place}, kind {kind}: AccessDeniedException: not authorized to perform: sagemaker:List{kind} on"
        f" arn:aws:sagemaker:{place}: with an explicit deny in a service control policy"
        for place in places
        for kind in range(17)
    )
    audited(monkeypatch, Audit((), places, unread))
    printed = show(leftovers.leftovers, False, None, False, module=leftovers)
    assert len(printed.splitlines()) == 2
    assert "nothing of FinExpert is seen, but only 0 of 30 regions could be read to the end" in printed
    assert "510 lists in 30 regions" in printed and "region-29" in printed


def test_each_other_reason_has_its_line() -> None:
    unread = ["a, endpoints: ThrottlingException: slow", "a, models: AccessDenied: no", "b, models: it broke"]
    assert account.by_reason(unread) == [
        "a (endpoints): ThrottlingException: slow",
        "a (models): AccessDenied: no",
        "b (models): it broke",
    ]
