"""`finexpert sleep`: remove the endpoint."""

import typer

from finexpert.cli.commands.common import Json, open_deployment


def sleep(context: typer.Context, json: Json = False) -> None:
    """Remove the endpoint and wait until nothing of it bills. `finexpert wake` brings it back.

    Ctrl-C only stops waiting; the same command waits again.

    Example: finexpert sleep
    """
    from finexpert.views import display, endpoint

    deployment = open_deployment(context)
    slept = endpoint.sleep(deployment)
    done = {"endpoint": deployment.names.endpoint, "asleep": True, "done": slept.done}
    display.result(done, endpoint.asleep(slept), json=json)
