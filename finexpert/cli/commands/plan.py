"""`finexpert plan`: what the next run may cost, before anything is started."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from finexpert.cli.commands.common import Json, open_deployment
from finexpert.errors import ExitCode
from finexpert.text import usd
from finexpert.views import display
from finexpert.views.display import escape


def plan(
    context: typer.Context,
    path: Annotated[
        Path | None,
        typer.Argument(help="The data of the run, as `finexpert train` takes it.", show_default=False),
    ] = None,
    tokens: Annotated[
        float, typer.Option(min=0, help="The tokens of all epochs together, instead of PATH.")
    ] = 0.0,
    json: Json = False,
) -> None:
    """Show the next run's worst and likely cost, whether the budget admits it, and what is cheaper.

    Example: finexpert plan reports/
    """
    from finexpert.service.money import plan
    from finexpert.service.runs import datasets
    from finexpert.views.run import print_report

    if path and tokens:
        raise typer.BadParameter("give a path or --tokens, not both")
    deployment = open_deployment(context)
    expected = ""
    if path:
        hyperparameters = deployment.settings.hyperparameters
        report = datasets.check(path, hyperparameters, counter=datasets.counter_for(deployment.target))
        datasets.require_usable(report, path)
        tokens, expected = max(report.trained_tokens), datasets.expected(report, deployment.settings)
    made = plan.plan(deployment, training_tokens=tokens, now=datetime.now(UTC))
    if json:
        display.print_json({**asdict(made), "training_tokens": tokens, "expected": expected})
    else:
        out = display.console()
        if path:
            print_report(out, report)
            out.print(escape(expected))
        verdict = made.admission.sentence if made.admission else made.refusal
        out.print(escape(verdict))
        if made.admission:
            cut = f"{made.admission.max_runtime_seconds / 60:.0f} min"
            out.print(f"  MaxRuntime {cut}; the whole limit would cost {usd(made.worst_case_usd)} at worst")
        for problem in made.unservable:
            out.print(f"[yellow]![/] {escape(problem)}")
        out.print(f"  [dim]price {escape(made.price)}, {made.price_age_days} days old[/]")
        rows = [
            [each.what, usd(each.usd_per_hour), usd(each.worst_case_usd), "yes" if each.fits else "no"]
            for each in made.cheaper
        ]
        display.print_rows(["cheaper", "an hour", "at worst", "fits"], rows)
    if made.admission is None:
        raise typer.Exit(ExitCode.FAILED)
