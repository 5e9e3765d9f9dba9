"""`finexpert snooze NAME`: keep the idle reaper away from an endpoint for a while."""

from __future__ import annotations

from typing import Annotated

import typer

from finexpert.cli.commands.common import Json, open_deployment


def snooze(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The endpoint's name, as the warning gives it.")],
    hours: Annotated[float, typer.Option("--hours", min=0.1, max=8760, help="For how long.")] = 24.0,
    json: Json = False,
) -> None:
    """Keep an idle endpoint for some hours. It goes on billing.

    Example: finexpert snooze finexpert --hours 8
    """
    from datetime import UTC, datetime

    from finexpert.service.endpoint import switch
    from finexpert.views import display

    deployment = open_deployment(context)
    until = switch.snooze(deployment.target.client, name, hours, datetime.now(UTC))
    if json:
        display.print_json({"endpoint": name, "kept_until": until.isoformat()})
        return
    display.console().print(
        f"[green]✓[/] {name} stays awake until {until:%Y-%m-%d %H:%M} UTC, and bills until then"
    )
