"""`finexpert reap --dry-run`: what the deployed idle reaper would do now."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from finexpert.cli.commands.common import Json, open_deployment
from finexpert.views import display
from finexpert.views.display import escape

STYLES = {"keep": "green", "warn": "yellow", "delete": "red", "notify": "yellow"}


def reap(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Required: this command only asks, it never deletes.")
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
    others = answer.get("others", {})
    rows = [_row("endpoint", decision["endpoint"], decision) for decision in answer["decisions"]]
    rows += [_row(decision["kind"], decision["name"], decision) for decision in others.get("decisions", [])]
    display.print_rows(["what", "name", "would", "because"], rows, whole=1)
    if not rows:
        out.print("No endpoint: nothing to decide.")
    for kind, why in others.get("unlisted", {}).items():
        out.print(f"[yellow]{kind} could not be listed:[/] {escape(str(why))}")
    complete = "" if answer["complete"] else " [yellow](incomplete: something could not be read)[/]"
    out.print(f"[dim]{answer['api_calls']} API calls[/]{complete}")


def _row(kind: str, name: str, decision: Mapping[str, Any]) -> list[str]:
    action = str(decision["action"])
    return [kind, name, f"[{STYLES.get(action, '')}]{action}[/]", escape(str(decision["reason"]))]
