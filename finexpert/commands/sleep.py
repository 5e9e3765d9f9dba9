"""`finexpert sleep`: remove the endpoint."""

from __future__ import annotations

import typer

from finexpert.commands.common import open_deployment
from finexpert.commands.wake import show_progress


def sleep(context: typer.Context) -> None:
    """Remove the endpoint and wait until nothing of it bills. `finexpert wake` brings it back.

    Example: finexpert sleep
    """
    from finexpert import display
    from finexpert.ops import hosting

    deployment = open_deployment(context)
    out = display.console()
    with display.Live(out) as live:
        hosting.sleep(deployment, progress=show_progress(live))
    out.print("[green]✓[/] asleep, nothing of it bills")
