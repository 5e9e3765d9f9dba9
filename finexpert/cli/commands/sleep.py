"""`finexpert sleep`: remove the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from finexpert.cli.commands.common import Json, may_be_left, open_deployment
from finexpert.cli.commands.wake import show_progress

if TYPE_CHECKING:
    from finexpert.deployment import Deployment

ASLEEP = "[green]✓[/] asleep, nothing of it bills"


def sleep(context: typer.Context, json: Json = False) -> None:
    """Remove the endpoint and wait until nothing of it bills. `finexpert wake` brings it back.

    Ctrl-C only stops waiting; the same command waits again.

    Example: finexpert sleep
    """
    from finexpert.cli.views import display

    deployment = open_deployment(context)
    put_to_sleep(deployment)
    if json:
        display.print_json({"endpoint": deployment.names.endpoint, "asleep": True})
    else:
        display.console().print(ASLEEP)


def put_to_sleep(deployment: Deployment) -> None:
    """Put Hosting to sleep, with what its stack does on the screen until nothing of it bills.

    Raises:
        UserError: Ctrl-C; the update goes on.
        core.endpoint.hosting.HostingError: CloudFormation could not do it.
    """
    from finexpert.cli.views import display
    from finexpert.service.endpoint import hosting

    stack = deployment.names.stack("Hosting")
    with (
        may_be_left("Hosting's update", where=stack, fix="Wait again: finexpert sleep"),
        display.Live(display.console(stderr=True)) as live,
    ):
        hosting.sleep(deployment, progress=show_progress(live))
