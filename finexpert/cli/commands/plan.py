"""`finexpert plan`: what the next run may cost, before anything is started."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from finexpert.cli.commands.common import Json, open_deployment


def plan(
    context: typer.Context,
    tokens: Annotated[
        float, typer.Option(min=0, help="Tokens of all epochs together; `finexpert data check` counts them.")
    ] = 0.0,
    json: Json = False,
) -> None:
    """What the next run may cost at worst and probably, whether the budget admits it, and what is cheaper.

    Example: finexpert plan --tokens 150000
    """
    from rich.markup import escape
    from rich.table import Table

    from finexpert.errors import ExitCode
    from finexpert.service.money import plan
    from finexpert.text import usd
    from finexpert.views import display

    deployment = open_deployment(context)
    made = plan.plan(deployment, training_tokens=tokens, now=datetime.now(UTC))
    if json:
        display.print_json(asdict(made))
    else:
        out = display.console()
        verdict = made.admission.sentence if made.admission else made.refusal
        out.print(escape(verdict), soft_wrap=True)
        if made.admission:
            cut = f"{made.admission.max_runtime_seconds / 60:.0f} min"
            out.print(f"  MaxRuntime {cut}; the whole limit would cost {usd(made.worst_case_usd)} at worst")
        out.print(f"  [dim]price {escape(made.price)}, {made.price_age_days} days old[/]", soft_wrap=True)
        if made.cheaper:
            table = Table("cheaper", "an hour", "at worst", "fits", box=None, header_style="dim")
            for each in made.cheaper:
                fits = "yes" if each.fits else "no"
                table.add_row(each.what, usd(each.usd_per_hour), usd(each.worst_case_usd), fits)
            display.print_table(out, table)
    if made.admission is None:
        raise typer.Exit(ExitCode.FAILED)
