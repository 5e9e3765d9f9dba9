"""`finexpert leftovers`: what the account still holds that bills, or starts what bills."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from core.names import TAKE_UP
from finexpert.cli.commands.common import Json, open_deployment
from finexpert.errors import ExitCode
from finexpert.text import counted
from finexpert.views import display
from finexpert.views.display import escape

if TYPE_CHECKING:
    from finexpert.service.account.leftovers import Audit


def leftovers(
    context: typer.Context,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Look also for things without the project's tag or name."),
    ] = False,
    region: Annotated[
        list[str] | None,
        typer.Option(help="Look in this region only; may be repeated. All regions if not given."),
    ] = None,
    json: Json = False,
) -> None:
    """Search the account, region by region, for anything of the project that bills or starts what does.

    Run it after cdk destroy: it should find nothing but what the setting retain_data keeps on purpose, which
    it lists separately. It changes nothing. Exit code 4: something is there.
    Exit code 1: nothing was found, but not everything could be read.

    Example: finexpert leftovers --all --region us-east-1
    """
    from finexpert.service.account import leftovers

    deployment = open_deployment(context)
    with display.Live(display.console(stderr=True)) as live:
        result = leftovers.audit(
            deployment,
            region or leftovers.regions(deployment),
            everything=everything,
            progress=lambda done, total: live.update(f"looking: {done} of {total} lists", ""),
        )
    if json:
        display.print_json(asdict(result))
    else:
        out, found = display.console(), leftovers.by_kind(result.found)
        rows = [[place, kind, escape("\n".join(names))] for (place, kind), names in found.items()]
        display.print_rows(["where", "what", "which"], rows, whole=2)
        if result.found:
            out.print(
                f"[red]✗[/] {len(result.found)} left. The app's own go with: cdk destroy --all"
                " (an app in another region: with -c region=…)"
            )
        else:
            whose = "the account" if everything else deployment.settings.prefix
            out.print(_nothing(result, whose))
        if result.kept:
            out.print(
                "Kept on purpose, by the setting retain_data; S3 and KMS bill them until you delete them."
                f" To go on with them: {TAKE_UP}"
            )
            for (place, kind), names in leftovers.by_kind(result.kept).items():
                out.print(f"  {place}, {kind}: {escape(', '.join(names))}")
        for line in leftovers.by_reason(result.unread):
            out.print(f"[yellow]! not seen:[/] {escape(line)}")
    if result.found:
        raise typer.Exit(ExitCode.FOUND)
    if result.unread:
        raise typer.Exit(ExitCode.FAILED)


def _nothing(result: Audit, whose: str) -> str:
    """Say how certain it is that nothing is left; in Rich's markup."""
    of = counted(len(result.regions), "region")
    if not result.unread:
        return f"[green]✓[/] nothing of {whose} is seen in {of}"
    whole = len(result.read_whole)
    return f"[yellow]?[/] nothing of {whose} is seen, but only {whole} of {of} could be read to the end"
