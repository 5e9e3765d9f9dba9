"""`finexpert runs [list|show|rename|report|compare|log]`: what was trained, and how it went."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from finexpert import paths
from finexpert.cli.commands.common import Json, open_deployment
from finexpert.service.evaluation import results
from finexpert.service.runs import executions, names
from finexpert.service.runs import follow as following
from finexpert.text import duration, when
from finexpert.views import display
from finexpert.views.display import escape

app = typer.Typer(invoke_without_command=True)

RunName = Annotated[
    str,
    typer.Argument(metavar="RUN", help="The run's name or id, the beginning of one, or latest."),
]
Limit = Annotated[int, typer.Option(help="How many at most.", min=1)]


@app.callback()
def default(context: typer.Context, limit: Limit = 20, json: Json = False) -> None:
    """List fine-tuning runs, newest first, or do what a verb below says with one of them.

    Example: finexpert runs --limit 5
    """
    if context.invoked_subcommand is None:
        list_runs(context, limit, json)


@app.command("list")
def list_runs(context: typer.Context, limit: Limit = 20, json: Json = False) -> None:
    """List the newest runs with their status and the quality gate's decision.

    Example: finexpert runs list --limit 5
    """
    deployment = open_deployment(context)
    found = executions.newest_first(deployment, limit=limit)
    if json:
        display.print_json([asdict(run) for run in found])
        return
    if not found:
        display.say("No run yet. Start one: finexpert train PATH")
    now = datetime.now(UTC)
    rows = [
        [
            *(run.name, escape(run.title or "–"), run.status.lower(), run.outcome or "–"),
            *(when(run.started, now), duration(((run.stopped or now) - run.started).total_seconds())),
        ]
        for run in found
    ]
    display.print_rows(["run", "name", "status", "gate", "started", "took"], rows)


@app.command()
def show(context: typer.Context, run: RunName, json: Json = False) -> None:
    """Show one run: how it ended, before and after in numbers, why it failed, where its report is.

    Example: finexpert runs show latest
    """
    from finexpert.views.run import before_after, ending

    deployment = open_deployment(context)
    run = names.resolve(deployment, run)
    titles = names.read(deployment)
    looks = following.snapshots(deployment, run, now=lambda: datetime.now(UTC))
    snapshot = next(looks)
    evaluation = executions.evaluation(deployment, run)
    reason = following.readable_cause(snapshot.cause)
    tries = results.judged_before(deployment, run, evaluation) if evaluation else 0
    if json:
        outcome = str(snapshot.output.get("outcome", ""))
        shown = asdict(executions.as_run(executions.describe(deployment, run), outcome, titles))
        ended = {"error": snapshot.error, "cause": reason, "usd": snapshot.usd, "evaluation": evaluation}
        display.print_json(shown | ended | {"judged_before": tries})
        return
    out, called = display.console(), names.called(run, titles)
    if snapshot.status == "SUCCEEDED":
        ended_as = ending(snapshot, evaluation, is_local=deployment.target.is_local, called=called)
        out.print(ended_as)
        if tries:
            out.print(f"  {results.several_tries(tries)}")
        out.print(f"  its report: finexpert runs report {run}")
        return
    out.print(f"[bold]{escape(called)}[/] {snapshot.doing}")
    if reason or snapshot.error:
        out.print(f"  {reason or snapshot.error}", markup=False)
    if evaluation:
        out.print(f"  {before_after(evaluation)}", markup=False)


@app.command()
def rename(
    context: typer.Context,
    run: RunName,
    name: Annotated[str, typer.Argument(help="What to call it from now on.", show_default=False)],
    json: Json = False,
) -> None:
    """Give a run a name, or another one. Every command takes the name instead of the run's id.

    Example: finexpert runs rename latest "Q3 wording"
    """
    deployment = open_deployment(context)
    run = names.resolve(deployment, run)
    executions.describe(deployment, run)  # says so if there is no such run
    title = names.rename(deployment, run, name)
    said = escape(f"✓ {run} is called {title}")
    display.result({"run": run, "title": title}, said, json=json)


@app.command()
def report(
    context: typer.Context,
    run: RunName,
    out: Annotated[
        Path | None, typer.Option(help="File to write; by default out/report-RUN.html.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Fetch the report that the run's training job wrote: one HTML file for any browser.

    Example: finexpert runs report latest
    """
    deployment = open_deployment(context)
    run = names.resolve(deployment, run)
    html = results.report(deployment, run)
    file = out or paths.OUT / f"report-{run}.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(html)
    display.result({"run": run, "file": str(file)}, f"[green]✓[/] {file}", json=json)


@app.command()
def compare(
    context: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help="A run (name, id or latest), or an evaluation.json.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    json: Json = False,
) -> None:
    """Compare two runs: which tuned model is better, on what both were measured on.

    Example: finexpert runs compare finexpert-20260131-142536-9f3a finexpert-20260201-091500-77c0
    """
    from finexpert.service.evaluation import comparison
    from finexpert.views.comparison import tables

    cloud = None if results.are_files(a, b) else open_deployment(context)
    pair = comparison.compare((a, b), (results.load(cloud, a), results.load(cloud, b)))
    if json:
        display.print_json(pair.as_json())
        return
    display.print_parts(display.console(), tables(pair))


@app.command()
def log(
    context: typer.Context,
    run: RunName,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")] = False,
    json: Json = False,
) -> None:
    """Show the log of the run's training job from CloudWatch Logs. Ctrl-C only stops reading.

    Example: finexpert runs log latest --follow
    """
    deployment = open_deployment(context)
    run = names.resolve(deployment, run)
    lines = executions.log_lines(deployment, run, follow=follow)
    if json:
        display.print_json({"run": run, "lines": list(lines)})
        return
    with display.may_be_left("the run", where=run, fix=f"Read again: finexpert runs log {run} --follow"):
        for line in lines:
            display.print_text(line, flush=follow)
