"""`finexpert reap --dry-run`: what the deployed idle reaper would do now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from finexpert.cli.commands.common import Json, open_deployment
from finexpert.views import display
from finexpert.views.display import escape

if TYPE_CHECKING:
    from rich.table import Table

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

    from finexpert.service.endpoint import reaper

    deployment = open_deployment(context)
    answer = reaper.dry_run(deployment)
    if json:
        display.print_json(answer)
        return
    out = display.console()
    decisions = [("endpoint", decision["endpoint"], decision) for decision in answer["decisions"]]
    others = answer.get("others", {})
    decisions += [(decision["kind"], decision["name"], decision) for decision in others.get("decisions", [])]
    if decisions:
        display.print_table(out, _table(decisions), whole=1)
    else:
        out.print("No endpoint: nothing to decide.")
    for kind, why in others.get("unlisted", {}).items():
        out.print(f"[yellow]{kind} could not be listed:[/] {escape(str(why))}")
    complete = "" if answer["complete"] else " [yellow](incomplete: something could not be read)[/]"
    out.print(f"[dim]{answer['api_calls']} API calls[/]{complete}")


def _table(decisions: list[tuple[str, str, dict[str, Any]]]) -> Table:
    """A row for each (kind of resource, name, decision)."""
    from rich.table import Table

    table = Table("what", "name", "would", "because", box=None, header_style="dim")
    for kind, name, decision in decisions:
        action = str(decision["action"])
        table.add_row(kind, name, f"[{STYLES.get(action, '')}]{action}[/]", escape(str(decision["reason"])))
    return table
