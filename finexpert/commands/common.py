"""What all commands share: the options, and opening the cloud that they act on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from finexpert.target import On

if TYPE_CHECKING:
    from finexpert.deployment import Deployment
    from finexpert.target import Target

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for programs.")]


def open_target(context: typer.Context, *, json: bool = False) -> Target:
    """Resolve the cloud to act on, and say which (on stderr where stdout is for JSON)."""
    from finexpert import display, target

    on = context.obj if isinstance(context.obj, On) else On.AUTO
    chosen = target.from_environment(on)
    display.console(stderr=json).print(f"[dim]{chosen.describe()}[/]", soft_wrap=True)
    return chosen


def open_deployment(context: typer.Context, *, json: bool = False) -> Deployment:
    """The app as deployed on the cloud to act on. Nothing is asked of the app yet."""
    from finexpert.deployment import Deployment

    chosen = open_target(context, json=json)
    return Deployment(chosen, chosen.settings())
