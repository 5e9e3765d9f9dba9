"""`finexpert doctor`: is everything ready, before money is spent?"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from finexpert.cli.commands.common import Json, chosen_target
from finexpert.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from finexpert.doctor import Check, Finding
    from finexpert.service.target import Target


def doctor(
    context: typer.Context,
    notify: Annotated[
        bool, typer.Option("--notify", help="Send a test notification to the alerts' topic as well.")
    ] = False,
    json: Json = False,
) -> None:
    """Check credentials, region, quotas, licence, weights, GPU memory, prices, budget, alerts and the app.

    ✓ is ready, ✗ is not and says what to do, ? could not be checked. Nothing is changed, nothing costs;
    with --notify a test message goes to everyone who receives the alerts.
    Exit code 4: at least one ✗.

    Example: finexpert doctor -c training_instance_type=ml.g5.12xlarge
    """
    from finexpert.doctor import Verdict, examine
    from finexpert.service.deployment import find
    from finexpert.views import display

    target = chosen_target(context)
    err = display.console(stderr=True)
    err.print(f"[dim]{_where(target)}[/]", soft_wrap=True)
    with display.Live(err) as live:
        live.update("checking …", "")
        findings = examine(find(target), checks(notify=notify))
    if json:
        display.print_json({name: asdict(finding) for name, finding in findings.items()})
    else:
        show(display.console(), findings)
    if any(finding.verdict is Verdict.BAD for finding in findings.values()):
        raise typer.Exit(ExitCode.FOUND)


def _where(target: Target) -> str:
    """Which cloud; unlike `Target.describe` it needs no credentials, which are the first thing to check."""
    if target.is_local:
        return target.describe()
    return f"on AWS region {target.session().region_name}"


def checks(*, notify: bool = False) -> dict[str, Check]:
    """All checks by the name that they are shown under; `notify` adds the one that sends a message."""
    from finexpert.doctor import account, app, model, money

    return {
        "credentials": account.credentials,
        "region": account.region,
        "instance quotas": account.quotas,
        "licence": model.licence,
        "base model": model.hub,
        "weights": model.weights,
        "GPU memory": model.memory,
        "prices": money.price,
        "budget": money.budget,
        "billing alerts": account.billing_alerts,
        "anomaly monitor": account.anomaly_monitor,
        "alert mail": account.alert_mail,
        **({"test notification": account.notification} if notify else {}),
        "tools": app.tools,
        "app": app.stacks,
        "alarms": app.alarms,
    }


def show(out: Console, findings: Mapping[str, Finding]) -> None:
    """A line a check, its remedy below it, and the sum."""
    from rich.markup import escape

    from finexpert.doctor import Verdict

    signs = {Verdict.GOOD: "[green]✓[/]", Verdict.BAD: "[red]✗[/]", Verdict.UNKNOWN: "[yellow]?[/]"}
    width = max(map(len, findings))
    told = {""}
    for name, finding in findings.items():
        out.print(f"{signs[finding.verdict]} {name:<{width}}  {escape(finding.said)}", soft_wrap=True)
        if finding.fix not in told:  # what several checks lack is mended once
            told.add(finding.fix)
            out.print(f"  {'':<{width}}  [bold]→ {escape(finding.fix)}[/]", soft_wrap=True)
    count = {verdict: sum(f.verdict is verdict for f in findings.values()) for verdict in Verdict}
    out.print(
        f"{count[Verdict.GOOD]} ready, {count[Verdict.BAD]} not ready, {count[Verdict.UNKNOWN]} not known"
    )
