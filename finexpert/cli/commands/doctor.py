"""`finexpert doctor`: is everything ready, before money is spent?"""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from finexpert import paths
from finexpert.cli.commands.common import Json, chosen_target
from finexpert.doctor import Check, Finding, Verdict, examine
from finexpert.doctor import first_hour as hour
from finexpert.doctor.first_hour import Question
from finexpert.errors import ExitCode
from finexpert.service.deployment import find
from finexpert.service.target import Target
from finexpert.views import display
from finexpert.views.display import escape

SIGNS = {"good": "[green]✓[/]", "warning": "[yellow]![/]", "bad": "[red]✗[/]", "unknown": "[yellow]?[/]"}


def doctor(
    context: typer.Context,
    notify: Annotated[
        bool, typer.Option("--notify", help="Send a test notification to the alerts' topic as well.")
    ] = False,
    first_hour: Annotated[
        bool,
        typer.Option(
            "--first-hour",
            help="Ask what only an account can answer, free questions first, and write out/first-hour.md.",
        ),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --first-hour: agree to what costs, as it is announced.")
    ] = False,
    json: Json = False,
) -> None:
    """Check credentials, region, quotas, licence, weights, GPU memory, prices, budget, alerts and the app.

    ✓ is ready, ✗ is not and says what to do, ? could not be checked. Nothing is changed, nothing costs;
    with --notify a test message goes to everyone who receives the alerts.
    --first-hour is another check: it asks before each step that costs (a run, an awake endpoint), puts the
    endpoint to sleep again, and writes a table that can be pasted into an issue.
    Exit code 4: at least one ✗.

    Example: finexpert doctor -c training_instance_type=ml.g5.12xlarge
    """
    target = chosen_target(context)
    err = display.console(stderr=True)
    err.print(f"[dim]{_where(target)}[/]")
    if first_hour:
        _first_hour(target, yes=yes, json=json)
        return
    with display.Live(err) as live:
        live.update("checking …", "")
        findings = examine(find(target), checks(notify=notify))
    if json:
        display.print_json({name: asdict(finding) for name, finding in findings.items()})
    else:
        show(display.console(), findings)
    if any(finding.verdict is Verdict.BAD for finding in findings.values()):
        raise typer.Exit(ExitCode.FOUND)


def _first_hour(target: Target, *, yes: bool, json: bool) -> None:
    from finexpert.doctor.questions import QUESTIONS
    from finexpert.doctor.steps import steps

    out, err = display.console(), display.console(stderr=True)

    def agree(announced: str) -> bool:
        if yes or json or not sys.stdin.isatty():
            err.print(escape(announced + ("" if yes else " Left out: --yes agrees to it.")))
            return yes
        return typer.confirm(f"{announced} Do it?", err=True)

    def tell(question: Question, finding: Finding) -> None:
        if not json:
            out.print(f"{SIGNS[finding.verdict]} {escape(f'{question.asks} {finding.said}')}")

    scene = hour.Scene(find(target), datetime.now(UTC))
    answers = hour.walk(scene, QUESTIONS, steps(), agree=agree, tell=tell)
    data, table = hour.write(paths.OUT, scene, QUESTIONS, answers)
    if json:
        display.print_json(hour.document(scene, QUESTIONS, answers))
    else:
        out.print(f"written: {data} and {table}, without account ids and addresses")
    if any(finding.verdict is Verdict.BAD for finding in answers.values()):
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
        "network": account.network,
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
    """Print a line for each check with its remedy below it, then how many there are of each kind."""
    width = max(map(len, findings))
    shown = {""}
    for name, finding in findings.items():
        out.print(f"{SIGNS[finding.verdict]} {name:<{width}}  {escape(finding.said)}")
        if finding.fix not in shown:  # one remedy for what several checks lack
            shown.add(finding.fix)
            out.print(f"  {'':<{width}}  [bold]→ {escape(finding.fix)}[/]")
    count = {verdict: sum(f.verdict is verdict for f in findings.values()) for verdict in Verdict}
    out.print(
        f"{count[Verdict.GOOD]} ready, {count[Verdict.BAD]} not ready, {count[Verdict.UNKNOWN]} not known"
    )
