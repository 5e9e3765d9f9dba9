"""`finexpert evaluate`: score base and tuned model of a finished run again, with your own questions."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finexpert import paths
from finexpert.cli.commands.common import Json, open_deployment
from finexpert.cli.commands.runs import RunName
from finexpert.errors import ExitCode
from finexpert.views import display

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.dataset import Question
    from finexpert.service.asking.inference import Answer
    from finexpert.service.deployment import Deployment


def evaluate(
    context: typer.Context,
    run: RunName,
    data: Annotated[
        Path,
        typer.Option(
            help="Questions with right answers: questions.jsonl, or a file of TAT-QA (docs/evaluation.md).",
            show_default=False,
        ),
    ],
    endpoint: Annotated[
        bool, typer.Option("--endpoint", help="Ask the live endpoint instead of loading the models here.")
    ] = False,
    base_model: Annotated[
        Path | None, typer.Option(help="A local folder with the run's base weights.", show_default=False)
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the run's base weights even if they are large.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for evaluation.json and report.html; by default out/evaluation-RUN."),
    ] = None,
    json: Json = False,
) -> None:
    """Score base and tuned model again, here or through the live endpoint, and write the same report.

    Exit code 3: by these figures the quality gate says no.

    Example: finexpert evaluate latest --data questions.jsonl
    """
    from finexpert.service.evaluation import rescoring, results
    from finexpert.service.runs import names
    from finexpert.views.evaluation import outcome

    questions = rescoring.read_questions(data)
    deployment = open_deployment(context)
    run = names.resolve(deployment, run)
    of_run = results.load(deployment, run)
    if endpoint:
        document = _through_endpoint(deployment, of_run, questions)
    else:
        document = _here(deployment, run, data, of_run, base_model=base_model, download=download)
    folder = out or paths.OUT / f"evaluation-{run}"
    rescoring.write(document, folder)
    if json:
        display.print_json(document)
    else:
        screen = display.console()
        display.print_parts(screen, outcome(document))
        screen.print(f"report  {folder / 'report.html'}")
    if not document["passed"]:
        raise typer.Exit(ExitCode.GATE)


def _here(
    deployment: Deployment,
    run: str,
    data: Path,
    of_run: Mapping[str, Any],
    *,
    base_model: Path | None,
    download: bool,
) -> dict[str, Any]:
    """Score with the training program on this machine."""
    from finexpert.service.evaluation import rescoring
    from finexpert.service.runs import follow, logs

    progress = logs.Progress()
    with tempfile.TemporaryDirectory() as temporary, display.Live(display.console(stderr=True)) as live:
        live.update("fetching the run's parts", "fetching the run's parts")
        rescoring.gather(
            deployment.target.client("s3"),
            rescoring.sources(deployment, run),
            folder=Path(temporary),
            questions=data,
            settings=of_run["settings"],
            base_model=base_model,
            download=download,
        )

        def show(line: str) -> None:
            nonlocal progress
            progress = logs.fold(progress, [line])
            doing = rescoring.PHASES.get(progress.phase) or follow.phase_words(progress.phase)
            live.update(doing, doing)

        measured = rescoring.run_program(Path(temporary), os.environ, show)
        if not rescoring.same_data(measured, of_run):
            live.line("[yellow]![/] The dataset has changed since the run: the held-out side may be another.")
    return rescoring.completed(measured, of_run)


def _through_endpoint(
    deployment: Deployment, of_run: Mapping[str, Any], questions: Sequence[Question]
) -> dict[str, Any]:
    """Score through InvokeEndpoint; the endpoint answers with the adapter that it serves now."""
    from finexpert.service.asking import inference
    from finexpert.service.evaluation import through_endpoint

    inference.require_awake(deployment)

    def ask(prompt: str, new_tokens: int) -> Sequence[Answer]:
        return inference.ask(deployment, prompt, inference.generation(new_tokens, 0.0, 0))

    return through_endpoint.measure(ask, questions, of_run)
