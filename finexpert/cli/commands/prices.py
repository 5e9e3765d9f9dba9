"""`finexpert prices`: where the dollars in every sum come from."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from finexpert.cli.commands.common import Json, open_target
from finexpert.errors import ExitCode, UserError
from finexpert.text import usd
from finexpert.views import display
from finexpert.views.display import escape

app = typer.Typer(
    no_args_is_help=True,
    help="Read anew the prices that all sums of money are calculated with. Example: finexpert prices refresh",
)


@app.command()
def refresh(
    context: typer.Context,
    types: Annotated[
        list[str] | None,
        typer.Argument(
            help="Instance types to price for training and hosting, and Bedrock models for the benchmark."
            " None: all instance types that have a price."
        ),
    ] = None,
    region: Annotated[
        str | None, typer.Option("--region", help="Prices of this region; by default the setting's.")
    ] = None,
    json: Json = False,
) -> None:
    """Read instance prices from AWS's Price List into prices.json, with today's date.

    Only a price that is the only one of its kind is taken; the others stay, and exit code 1 says so.

    Example: finexpert prices refresh ml.g6e.2xlarge --region eu-west-1
    """
    from core.money.prices import PRICES_FILE
    from finexpert.service.benchmark import price_list as bedrock_prices
    from finexpert.service.money import price_list

    target = open_target(context)
    if target.is_local:
        raise UserError(
            "The embedded cloud has no Price List: only AWS publishes prices.",
            where="finexpert prices refresh",
            fix="finexpert prices refresh --on aws (costs nothing)",
        )
    wanted, today = region or target.settings().region, datetime.now(UTC).date()
    pricing = target.client("pricing", price_list.endpoint_region(wanted))
    models = [each for each in types or [] if not each.startswith("ml.") and "." in each]
    instances = [each for each in types or [] if each not in models]
    refreshed = price_list.Refreshed(read=[], problems=[])
    if instances or not models:
        refreshed = price_list.refresh(pricing, region=wanted, types=instances, today=today, file=PRICES_FILE)
    tokens: Mapping[str, Mapping[str, Any]] = {}
    if models:
        tokens, problems = bedrock_prices.refresh(pricing, region=wanted, models=models, today=today)
        refreshed.problems.extend(problems)
    if json:
        display.print_json({**asdict(refreshed), **({"models": tokens} if models else {})})
    else:
        out = display.console()
        for each in refreshed.read:
            before = "new" if each.before_usd is None else f"was {usd(each.before_usd)}"
            line = f"{each.wanted.component} {each.wanted.type}: ${each.usd:g} an hour ({before})"
            out.print(line)
        for model, price in tokens.items():
            line = f"{model}: ${price['input']:g} in and ${price['output']:g} out per million tokens"
            out.print(line)
        for problem in refreshed.problems:
            out.print(f"[yellow]! not changed:[/] {escape(problem)}")
        if refreshed.read:
            out.print("[dim]The guards in AWS use them from the next cdk deploy --all on.[/]")
    if refreshed.problems:
        raise typer.Exit(ExitCode.FAILED)
