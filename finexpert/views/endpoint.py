"""Wake and sleep on the screen: what the stack does, for how long, and what it costs afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.spinner import Spinner

from core.endpoint.hosting import BASE, Hosting
from core.endpoint.sleeping import Slept, Way
from finexpert.service.deployment import Deployment
from finexpert.service.endpoint import switch
from finexpert.service.endpoint.switch import Progress
from finexpert.service.money import costs
from finexpert.text import counted, duration
from finexpert.views import display


def wake(deployment: Deployment, run: str | None, *, base: bool, refused: bool = False) -> Hosting:
    """Wake the endpoint and show the stack's progress until it answers.

    Args:
        run: whose adapter; None: the newest that was accepted.
        base: the base model alone instead.
        refused: serve the run although the quality gate has not accepted it.

    Raises:
        UserError: Ctrl-C, or there is nothing of that name to serve.
        core.endpoint.hosting.HostingError: CloudFormation could not do it.
    """
    with _watched(deployment, "Wait again: the same command. Undo it: finexpert sleep") as progress:
        if base:
            return switch.wake_base(deployment, progress=progress)
        return switch.wake(deployment, run, progress=progress, refused=refused)


def sleep(deployment: Deployment) -> Slept:
    """Put the endpoint to sleep and show the stack's progress until nothing of it bills.

    Raises:
        UserError: Ctrl-C; the update goes on.
        core.endpoint.hosting.HostingError: CloudFormation could not do it.
    """
    with _watched(deployment, "Wait again: finexpert sleep") as progress:
        return switch.sleep(deployment, progress=progress)


def asleep(slept: Slept) -> str:
    """Say that nothing bills, and where the stack has drifted; in Rich's markup."""
    drifted = f"\n  [yellow]![/] {display.escape(slept.done)}" if slept.way is Way.DIRECTLY else ""
    return f"[green]✓[/] asleep, nothing of it bills{drifted}"


def awake(deployment: Deployment, state: Hosting) -> str:
    """Say what is served now, and what it costs; in Rich's markup."""
    served = "the base model alone" if state.artifact == BASE else state.artifact
    bills = "would bill on AWS" if deployment.target.is_local else "bills"
    price = costs.hosting_usd_per_hour(deployment)
    idle = counted(deployment.settings.idle_minutes, "idle minute")
    return (
        f"[green]✓[/] awake, serving {served}\n"
        f"  {bills} ${price:g} an hour; put to sleep after {idle}, or: finexpert sleep"
    )


def show_progress(live: display.Live) -> Progress:
    """A progress function that shows what the stack is doing, for how long."""

    def show(state: Hosting, seconds: float) -> None:
        text = f"{state.state} ({state.status})"
        live.update(Spinner("dots", text=f"{text}  {duration(seconds)}"), f"  {text}")

    return show


@contextmanager
def _watched(deployment: Deployment, back: str) -> Iterator[Progress]:
    """Show what the Hosting stack does while it may be left; `back` says how to come back to it."""
    stack = deployment.names.stack("Hosting")
    with (
        display.may_be_left("Hosting's update", where=stack, fix=back),
        display.Live(display.console(stderr=True)) as live,
    ):
        yield show_progress(live)
