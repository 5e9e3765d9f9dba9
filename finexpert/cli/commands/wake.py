"""`finexpert wake [RUN]`, `finexpert wake --base`: make the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from finexpert.cli.commands.common import Json, may_be_left, open_deployment

if TYPE_CHECKING:
    from core.endpoint.hosting import Hosting
    from finexpert.cli.views.display import Live
    from finexpert.deployment import Deployment
    from finexpert.service.endpoint.hosting import Progress


def wake(
    context: typer.Context,
    run: Annotated[
        str | None, typer.Argument(help="Serve this run's adapter; the newest accepted one if not given.")
    ] = None,
    base: Annotated[
        bool, typer.Option("--base", help="Serve the base model alone; this needs no run.")
    ] = False,
    json: Json = False,
) -> None:
    """Make the endpoint with base and tuned model, and wait until it answers. On AWS it bills from then on.

    Ctrl-C only stops waiting; the same command waits again.

    Example: finexpert wake
    """
    from finexpert.cli.views import display
    from finexpert.service.money import costs

    if base and run:
        raise typer.BadParameter("give a run or --base, not both")
    deployment = open_deployment(context)
    price = costs.hosting_usd_per_hour(deployment)
    state = serve(deployment, run, base=base)
    if json:
        name = deployment.names.endpoint
        display.print_json({"endpoint": name, "artifact": state.artifact, "usd_per_hour": price})
    else:
        display.console().print(awake(deployment, state), soft_wrap=True)


def serve(deployment: Deployment, run: str | None, *, base: bool) -> Hosting:
    """Wake Hosting, with what its stack does on the screen until the endpoint answers.

    Args:
        run: whose adapter; None: the newest that was accepted.
        base: the base model alone instead.

    Raises:
        UserError: Ctrl-C, or there is nothing of that name to serve.
        core.endpoint.hosting.HostingError: CloudFormation could not do it.
    """
    from finexpert.cli.views import display
    from finexpert.service.endpoint import hosting

    back = "Wait again: the same command. Undo it: finexpert sleep"
    with (
        may_be_left("Hosting's update", where=deployment.names.stack("Hosting"), fix=back),
        display.Live(display.console(stderr=True)) as live,
    ):
        progress = show_progress(live)
        if base:
            return hosting.wake_base(deployment, progress=progress)
        return hosting.wake(deployment, run, progress=progress)


def awake(deployment: Deployment, state: Hosting) -> str:
    """What is served now, and what it costs; in Rich's markup."""
    from core.endpoint.hosting import BASE
    from finexpert.service.money import costs
    from finexpert.text import counted

    served = "the base model alone" if state.artifact == BASE else state.artifact
    bills = "would bill on AWS" if deployment.target.is_local else "bills"
    price = costs.hosting_usd_per_hour(deployment)
    idle = counted(deployment.settings.idle_minutes, "idle minute")
    return (
        f"[green]✓[/] awake, serving {served}\n"
        f"  {bills} ${price:g} an hour; put to sleep after {idle}, or: finexpert sleep"
    )


def show_progress(live: Live) -> Progress:
    """A progress function that shows what the stack is doing, for how long."""
    from rich.spinner import Spinner

    from finexpert.text import duration

    def show(state: Hosting, seconds: float) -> None:
        text = f"{state.state} ({state.status})"
        live.update(Spinner("dots", text=f"{text}  {duration(seconds)}"), f"  {text}")

    return show
