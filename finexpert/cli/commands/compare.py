"""`finexpert compare RUN`: what base and tuned model wrote when the run was evaluated, side by side."""

from typing import Annotated

import typer

from finexpert.cli.commands.common import Json, open_deployment
from finexpert.cli.commands.runs import RunName
from finexpert.views import display


def compare(
    context: typer.Context,
    run: RunName,
    sampled: Annotated[
        bool, typer.Option("--sampled", help="The answers drawn by chance instead of the likeliest.")
    ] = False,
    json: Json = False,
) -> None:
    """Show base and tuned answers of a run side by side, with its figures, as the job wrote them.

    Two runs with each other: finexpert runs compare A B.

    Example: finexpert compare latest --sampled
    """
    from finexpert.service.evaluation import results
    from finexpert.service.runs import names
    from finexpert.views.answers import side_by_side
    from finexpert.views.run import before_after

    deployment = open_deployment(context)
    run = names.resolve(deployment, run)
    evaluation = results.required(deployment, run)
    way = "sampled" if sampled else "greedy"
    shown = [
        {"prompt": sample["prompt"], "base": sample["base"][way], "tuned": sample["tuned"][way]}
        for sample in evaluation["samples"]
    ]
    if json:
        figures = {key: evaluation[key] for key in ("passed", "primary", "verdict")}
        display.print_json({"run": run, **figures, "answers": shown})
        return
    out = display.console()
    for pair in shown:
        out.print(side_by_side(pair["prompt"], {"base": pair["base"], "tuned": pair["tuned"]}))
    out.print(before_after(evaluation), markup=False)
    out.print(evaluation["verdict"], markup=False)
