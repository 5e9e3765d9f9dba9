"""`finexpert snooze NAME`: keep the idle reaper away from an endpoint for a while."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from finexpert.cli.commands.common import Json, open_deployment
from finexpert.errors import UserError
from finexpert.text import duration, usd
from finexpert.views import display

LEAST_HOURS = 0.1


def snooze(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The endpoint's name, as the warning gives it.")],
    hours: Annotated[
        float | None,
        typer.Option(
            "--hours",
            min=0.1,
            max=8760,
            help="How long to keep it. Default: as long as the budget allows, at most 8.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Keep an idle endpoint for some hours. It goes on billing, and what that costs is shown.

    Example: finexpert snooze finexpert --hours 8
    """
    from finexpert.service.endpoint import switch
    from finexpert.service.money import costs

    deployment = open_deployment(context)
    now = datetime.now(UTC)
    own = name == deployment.names.endpoint
    kept = None
    if own or hours is None:
        position = costs.current_position(deployment, now)
        kept = costs.keep(position, costs.hosting_usd_per_hour(deployment), hours)
        hours = kept.hours
    if hours is None or hours < LEAST_HOURS:
        raise UserError(
            "Nothing of the month's budget is left to keep an endpoint with.",
            where=name,
            fix="See the sum: finexpert costs. To keep it all the same, say for how long: --hours 1",
        )
    until = switch.snooze(deployment.target.client, name, hours, now)
    priced = kept if own else None
    if json:
        cost = priced.usd if priced else None
        display.print_json({"endpoint": name, "kept_until": until, "usd": cost})
        return
    out = display.console()
    costs_said = f", for {usd(priced.usd)} of {usd(priced.left_usd)} left to the limit" if priced else ""
    out.print(f"[green]✓[/] {name} stays awake until {until:%Y-%m-%d %H:%M} UTC{costs_said}")
    if not priced:
        out.print("  It is not this app's endpoint: it bills by its own instance type.")
    elif priced.stopped:
        to_limit = duration(priced.hours_to_limit * 3600)
        out.print(f"[yellow]![/] The spend guard stops it before that: in {to_limit}")
