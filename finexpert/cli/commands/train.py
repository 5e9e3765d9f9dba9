"""`finexpert train`: check, upload, start, follow; or attach to a run, or stop it."""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

import typer

from finexpert.cli import options
from finexpert.cli.commands.common import Json, open_deployment
from finexpert.errors import ExitCode
from finexpert.service.deployment import Deployment
from finexpert.service.runs import executions, follow, names
from finexpert.service.runs.executions import Repeated
from finexpert.service.runs.follow import Snapshot
from finexpert.views import display


def train(
    context: typer.Context,
    data: Annotated[
        str | None,
        typer.Argument(
            help="A file or folder of text, or s3://… of an uploaded dataset.", show_default=False
        ),
    ] = None,
    hyperparameter: Annotated[
        list[str] | None,
        typer.Option(
            "--hyperparameter",
            "-p",
            metavar="NAME=VALUE",
            help="Change a hyperparameter of the recipe; may be repeated.",
        ),
    ] = None,
    text_column: options.TextColumn = None,
    prompt_column: options.PromptColumn = None,
    completion_column: options.CompletionColumn = None,
    name: Annotated[
        str | None,
        typer.Option(help="A name for the run, for later commands.", show_default=False),
    ] = None,
    wake: Annotated[
        bool,
        typer.Option("--wake/--no-wake", help="Serve the result at once if the quality gate accepts it."),
    ] = False,
    attach: Annotated[
        str | None, typer.Option(metavar="RUN", help="Follow a run that was started before.")
    ] = None,
    stop: Annotated[str | None, typer.Option(metavar="RUN", help="Stop a run and its training job.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Start also if a run on the same data began within the hour.")
    ] = False,
    unjudged: Annotated[
        bool,
        typer.Option(
            "--unjudged", help="Train also on data with too few held-out documents to judge the result."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Fine-tune on your data and follow it: state, progress, loss, and what it costs.

    Ctrl-C only stops watching; the run goes on. Exit code 3: the quality gate refused the result.

    RUN is a run's name or id, the beginning of one, or latest.

    Example: finexpert train reports/ --name "Q3 wording" -p epoch=3 --wake
    """
    from finexpert.views import run as views

    if sum(choice is not None for choice in (data, attach, stop)) != 1:
        raise typer.BadParameter("give one of: data, --attach RUN, --stop RUN")
    if name is not None and data is None:
        raise typer.BadParameter("--name is for a new run; an old one: finexpert runs rename RUN NAME")
    _refuse_settings(options.of(context).flags)
    deployment = open_deployment(context)
    if stop:
        _stop(deployment, names.resolve(deployment, stop), json=json)
        return
    overrides = options.parse_pairs(hyperparameter or [], option="--hyperparameter", example="epoch=3")
    overrides |= options.columns(text_column, prompt_column, completion_column)
    if attach:
        run = names.resolve(deployment, attach)
    else:
        started = partial(views.start, deployment, str(data), overrides, wake=wake, title=name or "")
        started = partial(started, unjudged=unjudged)
        run = _start(started, again=again, may_ask=not json)
    snapshot = views.watch(deployment, run)
    report(deployment, snapshot, json=json)


def _start(start: Callable[..., str], *, again: bool, may_ask: bool) -> str:
    """Start a run. On a terminal, ask before the same data is trained on, and paid for, a second time."""
    try:
        return start(again=again)
    except Repeated as repeated:
        if not (may_ask and _is_terminal()):
            raise
        typer.confirm(f"{repeated.what} Start another one?", abort=True, err=True)
        return start(again=True)


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _refuse_settings(flags: Mapping[str, str]) -> None:
    """Refuse settings that differ from the deployed ones, since a run uses the deployed ones."""
    for name in flags.keys() - {"prefix", "region"}:
        raise typer.BadParameter(
            f"-c {name}: a run goes by the settings that were deployed. For one run: -p NAME=VALUE overrides"
            f" the recipe. For all: cdk deploy --all -c {name}={flags[name]}"
        )


def report(deployment: Deployment, snapshot: Snapshot, *, json: bool) -> None:
    """Print how a followed run ended, and end the command with the exit code for it."""
    from finexpert.views.run import ending

    if json:
        document = {"run": snapshot.run, "status": snapshot.status, "usd": snapshot.usd, **snapshot.output}
        display.print_json(
            document | {"error": snapshot.error, "cause": follow.readable_cause(snapshot.cause)}
        )
    else:
        follow.require_success(snapshot)
        evaluation = executions.evaluation(deployment, snapshot.run)
        called = names.called(snapshot.run, names.read(deployment))
        ended = ending(snapshot, evaluation, is_local=deployment.target.is_local, called=called)
        display.say(ended)
    if snapshot.status != "SUCCEEDED":
        raise typer.Exit(ExitCode.FAILED)
    if snapshot.output.get("outcome") == "rejected":
        raise typer.Exit(ExitCode.GATE)


def _stop(deployment: Deployment, run: str, *, json: bool) -> None:
    stopped = executions.stop(deployment, run)
    said = f"[green]✓[/] {run} is being stopped" if stopped else f"{run} had already ended."
    display.result({"run": run, "stopped": stopped}, said, json=json)
