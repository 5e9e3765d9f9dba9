"""`finexpert prices`: where the dollars in every sum come from."""

from __future__ import annotations

from typing import Annotated

import typer

from finexpert.cli.commands.common import Json, open_target

app = typer.Typer(
    no_args_is_help=True, help="The prices that sums of money are made of. Example: finexpert prices refresh"
)


@app.command()
def refresh(
    context: typer.Context,
    types: Annotated[
        list[str] | None,
        typer.Argument(help="Instance types to price for training and hosting. None: all that have a price."),
    ] = None,
    region: Annotated[
        str | None, typer.Option("--region", help="Prices of this region; by default the setting's.")
    ] = None,
    json: Json = False,
) -> None:
    """Read instance prices from AWS's Price List into prices.json, each with today's date.

    Only a price that is the only one of its kind is taken; the others stay, and exit code 1 says so.

    Example: finexpert prices refresh ml.g6e.2xlarge --region eu-west-1
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from rich.markup import escape

    from core.money.prices import PRICES_FILE
    from finexpert.errors import ExitCode, UserError
    from finexpert.service.money import price_list
    from finexpert.text import usd
    from finexpert.views import display

    target = open_target(context)
    if target.is_local:
        raise UserError(
            "The embedded cloud has no Price List: prices are AWS's to tell.",
            where="finexpert prices refresh",
            fix="finexpert prices refresh --on aws (costs nothing)",
        )
    wanted = region or target.settings().region
    refreshed = price_list.refresh(
        target.client("pricing", price_list.endpoint_region(wanted)),
        region=wanted,
        types=types or [],
        today=datetime.now(UTC).date(),
        file=PRICES_FILE,
    )
    if json:
        display.print_json(asdict(refreshed))
    else:
        out = display.console()
        for each in refreshed.read:
            before = "new" if each.before_usd is None else f"was {usd(each.before_usd)}"
            line = f"{each.wanted.component} {each.wanted.type}: ${each.usd:g} an hour ({before})"
            out.print(line, soft_wrap=True)
        for problem in refreshed.problems:
            out.print(f"[yellow]! not changed:[/] {escape(problem)}", soft_wrap=True)
        if refreshed.read:
            out.print("[dim]The guards in AWS use them from the next cdk deploy --all on.[/]", soft_wrap=True)
    if refreshed.problems:
        raise typer.Exit(ExitCode.FAILED)
