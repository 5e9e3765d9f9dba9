"""`finexpert sleep`: remove the endpoint."""

from __future__ import annotations

import typer

from finexpert.commands.common import Json, may_be_left, open_deployment
from finexpert.commands.wake import show_progress


def sleep(context: typer.Context, json: Json = False) -> None:
    """Remove the endpoint and wait until nothing of it bills. `finexpert wake` brings it back.

    Ctrl-C only stops waiting; the same command waits again.

    Example: finexpert sleep
    """
    from finexpert import display
    from finexpert.ops import hosting

    deployment = open_deployment(context)
    stack = deployment.names.stack("Hosting")
    with (
        may_be_left("Hosting's update", where=stack, fix="Wait again: finexpert sleep"),
        display.Live(display.console(stderr=True)) as live,
    ):
        hosting.sleep(deployment, progress=show_progress(live))
    if json:
        display.print_json({"endpoint": deployment.names.endpoint, "asleep": True})
    else:
        display.console().print("[green]✓[/] asleep, nothing of it bills")
