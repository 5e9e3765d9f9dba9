"""`finexpert data check|upload|weights`: check and upload a dataset, or your own base weights."""

from pathlib import Path
from typing import Annotated

import typer

from finexpert.cli import options
from finexpert.cli.commands.common import Json, chosen_target, open_deployment
from finexpert.errors import ExitCode
from finexpert.text import size
from finexpert.views import display

app = typer.Typer(
    no_args_is_help=True,
    help="Check a dataset, upload it; upload base weights. Example: finexpert data check reports/",
)

DataPath = Annotated[
    Path,
    typer.Argument(
        help="A file of text, tables, records or documents (docs/own-data.md), or a folder of them.",
        show_default=False,
    ),
]


@app.command()
def check(
    context: typer.Context,
    path: DataPath,
    base_model: Annotated[
        Path | None,
        typer.Option(
            help="A folder with the base model's tokenizer.json, to count tokens instead of estimating;"
            " with the embedded cloud its own by default.",
            show_default=False,
        ),
    ] = None,
    text_column: options.TextColumn = None,
    prompt_column: options.PromptColumn = None,
    completion_column: options.CompletionColumn = None,
    json: Json = False,
) -> None:
    """Show what the data holds, what is wrong with it, how many optimizer steps it gives, and the cost.

    Nothing leaves this machine. Example: finexpert data check reports/
    """
    from finexpert.service.runs import datasets
    from finexpert.views.run import print_report

    target = chosen_target(context)
    settings = target.settings()
    counter = datasets.token_counter(base_model) if base_model else datasets.counter_for(target)
    named = options.columns(text_column, prompt_column, completion_column)
    report = datasets.check(path, {**settings.hyperparameters, **named}, counter=counter)
    expected = datasets.expected(report, settings)
    if json:
        display.print_json({**report.to_dict(), "expected": expected})
        raise typer.Exit(ExitCode.OK if report.ok else ExitCode.FAILED)
    out = display.console()
    out.print(f"[dim]on this machine: {path}[/]")
    print_report(out, report)
    if report.ok:
        out.print(f"[dim]tokens: {report.tokens_assumption}[/]")
        if report.power and report.power.enough:
            out.print(f"[dim]verdict: {report.power}[/]")
        for task in report.tasks:
            out.print(f"  {task.task}: {task.documents:,} documents, about {task.tokens:,} tokens")
        out.print(expected)
    datasets.require_usable(report, path)


@app.command()
def upload(
    context: typer.Context,
    path: DataPath,
    name: Annotated[
        str | None, typer.Option(help="A name for the dataset; by default from file name and content.")
    ] = None,
    text_column: options.TextColumn = None,
    prompt_column: options.PromptColumn = None,
    completion_column: options.CompletionColumn = None,
    json: Json = False,
) -> None:
    """Check the data and upload it to the app's data bucket; prints its S3 URI.

    Example: finexpert data upload reports/ --name reports-2026
    """
    from finexpert.service.runs import datasets
    from finexpert.views.run import print_report

    deployment = open_deployment(context)
    named = options.columns(text_column, prompt_column, completion_column)
    report = datasets.check(
        path,
        {**deployment.settings.hyperparameters, **named},
        counter=datasets.counter_for(deployment.target),
    )
    datasets.require_usable(report, path)
    uri = datasets.upload(
        deployment.target.client("s3"),
        bucket=deployment.data_bucket,
        path=path,
        name=name,
    )
    if json:
        display.print_json({"dataset": uri, **report.to_dict()})
    else:
        print_report(display.console(), report)
        print(uri)


@app.command()
def weights(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(help="A model in Hugging Face layout, safetensors.", show_default=False)
    ],
    json: Json = False,
) -> None:
    """Check base weights of your own and upload them to where the training job will read them.

    That is the setting base_model_uri, else base-model/ in the app's data bucket.

    Example: finexpert data weights my-llama/
    """
    from finexpert.service.runs import base_model

    base_model.require_usable(folder)
    deployment = open_deployment(context)
    location = base_model.location(deployment)
    out = display.console(stderr=True)
    total = base_model.upload(
        deployment.target.client("s3"),
        folder=folder,
        location=location,
        progress=lambda name, count: out.print(f"  {name}, {size(count)}"),
    )
    said = f"[green]✓[/] {size(total)} at {location}"
    display.result({"location": str(location), "bytes": total}, said, json=json)
    if not (json or deployment.settings.own_weights):
        out.print(f"Train on them: cdk deploy --all -c {base_model.SETTING}")
