"""`finexpert quickstart`: all steps up to the first answer; it can be interrupted and continued."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from finexpert import paths
from finexpert.cli import options
from finexpert.cli.commands.common import Json, chosen_target
from finexpert.errors import UsageError, UserError
from finexpert.service import deployment as deployments
from finexpert.service import target as targets
from finexpert.service.target import On, Target
from finexpert.views import display
from finexpert.views.display import escape

AGAIN = "Go on: finexpert quickstart, with the same options."
LICENCE = "https://ai.meta.com/llama/license/"


def quickstart(
    context: typer.Context,
    data: Annotated[
        Path, typer.Argument(help="The text of the first run on this machine.", show_default=False)
    ] = paths.SAMPLE,
    alert_email: Annotated[
        str | None, typer.Option(help="On AWS: the mail address for alerts.", show_default=False)
    ] = None,
    accept_llama2_eula: Annotated[
        bool,
        typer.Option(
            "--accept-llama2-eula", help=f"On AWS: you have read and accepted Meta's licence ({LICENCE})."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; what is missing is an error.")] = False,
    json: Json = False,
) -> None:
    """Go from a fresh checkout to the first answer on this machine (--on local), or to the app on AWS.

    Steps: settings, credentials, quotas, billing alerts, bootstrap, deploy; on this machine also weights, a
    run and an answer. On AWS it ends with the deployed app, asleep: a run and an endpoint cost money, so you
    start them. What AWS must still allow is listed at the end. Ctrl-C leaves it; the same command goes on.

    Example: finexpert quickstart --on local
    """
    from finexpert.cli.quickstart import STEPS, Walk

    out = display.console(stderr=json)
    target = _target(context, yes=yes)
    _settle(target, alert_email=alert_email, licence=accept_llama2_eula, yes=yes)
    steps = [step for step in STEPS if target.is_local or not step.local_only]
    done: dict[str, str] = {}
    with (
        display.may_be_left("what was begun in the cloud", where="quickstart", fix=AGAIN),
        display.Live(display.console(stderr=True)) as live,
    ):
        walk = Walk(target, data, live)
        try:
            for number, step in enumerate(steps, start=1):
                live.update(step.title, f"{number}/{len(steps)} {step.title} …")
                done[step.title] = step.do(walk)
                live.line(f"[green]✓[/] {number}/{len(steps)} {step.title}: {escape(done[step.title])}")
        finally:
            walk.children.stop()
    if json:
        display.print_json({"done": done, "waiting": walk.waiting})
        return
    for line in walk.waiting:
        out.print(f"[yellow]![/] waits: {escape(line)}")
    out.print(_next(target), markup=False)


def _target(context: typer.Context, *, yes: bool) -> Target:
    """The cloud that `--on` names; without it, ask. Starts the embedded cloud if none runs."""
    from localcloud import lifecycle

    given = options.of(context)
    target = chosen_target(context) if given.on is not On.LOCAL else None
    if given.on is On.AUTO and target is not None and not (target.is_local or given.profile):
        if yes:
            raise UsageError(
                "Say where to begin: on this machine or on AWS.",
                where="--on",
                fix="finexpert quickstart --yes --on local, or --on aws",
            )
        here = typer.confirm("Begin on this machine, where nothing costs anything?", default=True, err=True)
        target = None if here else target
    if target is not None:
        return target
    cloud = lifecycle.up(paths.LOCAL_STATE)
    return replace(targets.of_cloud(cloud, os.environ), flags=given.flags)


def _settle(target: Target, *, alert_email: str | None, licence: bool, yes: bool) -> None:
    """Ask once for mail and licence, where the settings do not have them, and write both down.

    Raises:
        UserError: one is missing and may not be asked for, or the licence was not accepted.
    """
    from finexpert.cli import quickstart

    if target.is_local:
        return
    settings = deployments.find(target).settings
    wanted: dict[str, Any] = {}
    if alert_email or not settings.alert_email:
        if not alert_email and yes:
            raise _missing("The alerts need a recipient.", "--alert-email you@example.com")
        wanted["alert_email"] = alert_email or typer.prompt("Mail address for the alerts", err=True)
    if settings.gated and not settings.accept_eula:
        question = f"Have you read and accepted Meta's Llama 2 licence and its use policy ({LICENCE})?"
        if not licence and (yes or not typer.confirm(question, err=True)):
            raise _missing("Only you can accept the licence of Llama 2.", "--accept-llama2-eula")
        wanted["accept_eula"] = True
    if wanted:
        typer.echo(f"written to {quickstart.write_settings(target, wanted)}", err=True)
    if not yes and not quickstart.deployed(deployments.find(target)):
        typer.confirm(
            f"Deploy the app {target.describe()}? It makes five stacks with IAM roles. Asleep they cost cents"
            " a month.",
            abort=True,
            err=True,
        )


def _missing(what: str, option: str) -> UserError:
    return UsageError(what, where="quickstart", fix=f"finexpert quickstart {option}")


def _next(target: Target) -> str:
    if target.is_local:
        return "Next: finexpert train my-texts/ --wake, or finexpert web. Remove it all: finexpert local down"
    return (
        "Next, when nothing waits: finexpert plan my-texts/, then finexpert train my-texts/ --wake. The last"
        " one bills."
    )
