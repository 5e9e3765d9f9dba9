"""`finexpert wake [RUN]`, `finexpert wake --base`: make the endpoint."""

from typing import Annotated

import typer

from finexpert.cli.commands.common import Json, open_deployment


def wake(
    context: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(
            help="Serve this run's adapter (name, id or latest); the newest accepted one if not given."
        ),
    ] = None,
    base: Annotated[
        bool, typer.Option("--base", help="Serve the base model alone; this needs no run.")
    ] = False,
    refused: Annotated[
        bool, typer.Option("--refused", help="Serve RUN although the quality gate has not accepted it.")
    ] = False,
    json: Json = False,
) -> None:
    """Make the endpoint with base and tuned model, and wait until it answers. On AWS it bills from then on.

    Ctrl-C only stops waiting; the same command waits again.

    Example: finexpert wake
    """
    from finexpert.service.money import costs
    from finexpert.service.runs import names
    from finexpert.views import display, endpoint
    from finexpert.views.answers import introduce

    if base and run:
        raise typer.BadParameter("give a run or --base, not both")
    if refused and not run:
        raise typer.BadParameter("--refused is said of a run: name it")
    deployment = open_deployment(context)
    run = run and names.resolve(deployment, run)
    price = costs.hosting_usd_per_hour(deployment)
    state = endpoint.wake(deployment, run, base=base, refused=refused)
    if json:
        name = deployment.names.endpoint
        display.print_json({"endpoint": name, "artifact": state.artifact, "usd_per_hour": price})
    else:
        display.console().print(endpoint.awake(deployment, state))
        introduce(deployment)
