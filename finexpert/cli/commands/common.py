"""Shared by all commands: the options, and opening the cloud that they act on."""

from typing import Annotated

import typer

from finexpert.cli import options
from finexpert.service import deployment as deployments
from finexpert.service import target as targets
from finexpert.service.deployment import Deployment
from finexpert.service.target import Target
from finexpert.views import display

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for programs.")]


def open_target(context: typer.Context) -> Target:
    """Resolve the cloud to act on, and say which: a line on stderr, so that stdout holds the answer alone."""
    chosen = chosen_target(context)
    display.console(stderr=True).print(f"[dim]{chosen.describe()}[/]")
    return chosen


def chosen_target(context: typer.Context) -> Target:
    """The cloud to act on; prints nothing and calls nothing."""
    given = options.of(context)
    return targets.from_environment(given.on, given.flags, given.profile)


def open_deployment(context: typer.Context) -> Deployment:
    """The app on the cloud to act on, with the settings that it was deployed with.

    Where this shell has other settings, or the deployed ones cannot be read, a line on stderr says so.
    """
    found = deployments.find(open_target(context))
    if note := display.settings_note(found):
        display.console(stderr=True).print(note, style="dim", markup=False)
    return found
