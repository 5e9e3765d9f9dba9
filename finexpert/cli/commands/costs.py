"""`finexpert costs`: this month's money, from what really ran."""

from datetime import UTC, datetime

import typer

from finexpert.cli.commands.common import Json, open_deployment
from finexpert.errors import ExitCode
from finexpert.text import usd
from finexpert.views import display
from finexpert.views.display import escape


def costs(context: typer.Context, json: Json = False) -> None:
    """Show what ran this month, what it cost, and what bills now. AWS's bill lags by hours; this does not.

    Exit code 1: the app is not deployed here.

    Example: finexpert costs --json
    """
    from core.money.prices import per_hour
    from finexpert.service.money import costs as money
    from finexpert.service.runs import names

    deployment = open_deployment(context)
    now = datetime.now(UTC)
    spend = money.month_to_date(deployment, now=now)
    absent = money.absence(deployment)
    if absent and not spend.lines:
        raise absent
    titles = names.known(deployment)
    if json:
        display.print_json(money.document(deployment, spend, now, titles) | {"deployed": absent is None})
        raise typer.Exit(ExitCode.FAILED if absent else ExitCode.OK)
    position = money.position(deployment, spend)
    budget, prices = deployment.settings.budget_usd, money.configured_prices(deployment)
    out = display.console()
    rows = []
    for line in spend.lines:
        title = titles.get(money.run_of(line))
        named = escape(f"{title} ({line.name})" if title else line.name)
        rows.append([named + " [yellow]runs[/]" * line.running, escape(line.how()), usd(line.usd)])
    display.print_rows(["what", "how", "cost"], rows)
    spent = "On AWS this would have cost" if deployment.target.is_local else "Spent:"
    since = f"{spend.month.day} {spend.month:%B}"
    out.print(f"{spent} [bold]{usd(spend.total_usd)}[/] since {since}, of a budget of {usd(budget)}")
    if spend.burn_usd_per_hour:
        out.print(f"  runs now: {per_hour(spend.burn_usd_per_hour)}")
        hours = f"{position.hours_to_limit:.1f} h"
        out.print(f"  everything is stopped at {usd(position.limit_usd)}: in {hours} at this pace")
        out.print(f"  at the month's end, if all goes on: {usd(spend.projected_usd)}")
    for price in prices:
        out.print(f"  [dim]{price.component} {price}, {price.age_days(now)} days ago[/]")
    if absent:
        out.print(f"[yellow]! {escape(absent.what)}[/] It was, as the lines above show.")
    for problem in (*spend.unpriced, *spend.unread):
        out.print(f"[yellow]! not in the sum:[/] {escape(problem)}")
    if absent:
        raise typer.Exit(ExitCode.FAILED)
