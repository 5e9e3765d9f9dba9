"""`finexpert reap --dry-run`: what the deployed idle reaper would do now."""

from __future__ import annotations

from typing import Annotated

import typer

from finexpert.commands.common import Json, open_deployment

STYLES = {"keep": "green", "warn": "yellow", "delete": "red", "notify": "yellow"}


def reap(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Needed: the command line only ever asks, it never deletes.")
    ] = False,
    json: Json = False,
) -> None:
    """Ask the deployed reaper what it would do with each endpoint, and why. Nothing is changed.

    Example: finexpert reap --dry-run
    """
    if not dry_run:
        raise typer.BadParameter(
            "say --dry-run: the schedule does the real thing; to remove the endpoint now: finexpert sleep"
        )
    from rich.markup import escape
    from rich.table import Table

    from finexpert import display
    from finexpert.ops import reaper

    deployment = open_deployment(context, json=json)
    answer = reaper.dry_run(deployment)
    if json:
        display.print_json(answer)
        return
    out = display.console()
    decisions = answer["decisions"]
    if decisions:
        table = Table("endpoint", "would", "because", box=None, header_style="dim")
        for decision in decisions:
            action = str(decision["action"])
            style = STYLES.get(action, "")
            table.add_row(decision["endpoint"], f"[{style}]{action}[/]", escape(str(decision["reason"])))
        out.print(table)
    else:
        out.print("No endpoint: nothing to decide.")
    complete = "" if answer["complete"] else " [yellow](incomplete: something could not be read)[/]"
    out.print(f"[dim]{answer['api_calls']} API calls[/]{complete}")
