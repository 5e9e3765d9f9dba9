"""`finexpert runs [list|show RUN|report RUN|compare A B|log RUN]`: what was trained, and how it went."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from finexpert.cli.commands.common import Json, open_deployment

app = typer.Typer(invoke_without_command=True)

Limit = Annotated[int, typer.Option(help="How many at most.", min=1)]


@app.callback()
def default(context: typer.Context, limit: Limit = 20, json: Json = False) -> None:
    """Fine-tuning runs; without a verb: list them, newest first.

    Example: finexpert runs --limit 5
    """
    if context.invoked_subcommand is None:
        list_runs(context, limit, json)


@app.command("list")
def list_runs(context: typer.Context, limit: Limit = 20, json: Json = False) -> None:
    """The newest runs with their status and the quality gate's word.

    Example: finexpert runs list --limit 5
    """
    from rich.table import Table

    from finexpert.service.runs import executions
    from finexpert.text import duration, when
    from finexpert.views import display

    deployment = open_deployment(context)
    found = executions.newest_first(deployment, limit=limit)
    if json:
        display.print_json([run.as_json() for run in found])
        return
    out = display.console()
    if not found:
        out.print("No run yet. Start one: finexpert train PATH")
        return
    now = datetime.now(UTC)
    table = Table("run", "status", "gate", "started", "took", box=None, header_style="dim")
    for run in found:
        took = duration(((run.stopped or now) - run.started).total_seconds())
        table.add_row(run.name, run.status.lower(), run.outcome or "–", when(run.started, now), took)
    display.print_table(out, table)


@app.command()
def show(
    context: typer.Context, run: Annotated[str, typer.Argument(help="Name of the run.")], json: Json = False
) -> None:
    """One run: how it ended, before and after in numbers, why it failed, where its report is.

    Example: finexpert runs show finexpert-20260131-142536-9f3a
    """
    from finexpert.service.runs import executions, follow
    from finexpert.views import display
    from finexpert.views.run import before_after, ending

    deployment = open_deployment(context)
    looks = follow.snapshots(deployment, run, now=lambda: datetime.now(UTC))
    snapshot = next(looks)
    evaluation = executions.evaluation(deployment, run)
    if json:
        display.print_json(
            {
                **executions.as_run(
                    executions.describe(deployment, run), str(snapshot.output.get("outcome", ""))
                ).as_json(),
                "error": snapshot.error,
                "cause": follow.readable_cause(snapshot.cause),
                "usd": snapshot.usd,
                "evaluation": evaluation,
            }
        )
        return
    out = display.console()
    if snapshot.status == "SUCCEEDED":
        out.print(ending(snapshot, evaluation, is_local=deployment.target.is_local), soft_wrap=True)
        out.print(f"  its report: finexpert runs report {run}", soft_wrap=True)
        return
    out.print(f"[bold]{run}[/] {snapshot.doing}", soft_wrap=True)
    if snapshot.cause or snapshot.error:
        out.print(
            f"  {follow.readable_cause(snapshot.cause) or snapshot.error}", markup=False, soft_wrap=True
        )
    if evaluation:
        out.print(f"  {before_after(evaluation)}", markup=False, soft_wrap=True)


@app.command()
def report(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="Name of the run.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write; by default out/report-RUN.html.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Fetch the report that the run's training job wrote: one HTML file for any browser.

    Example: finexpert runs report finexpert-20260131-142536-9f3a
    """
    from finexpert import paths
    from finexpert.service.runs import executions
    from finexpert.views import display

    html = executions.report(open_deployment(context), run)
    file = out or paths.OUT / f"report-{run}.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(html)
    if json:
        display.print_json({"run": run, "file": str(file)})
    else:
        display.console().print(f"[green]✓[/] {file}", soft_wrap=True)


@app.command()
def compare(
    context: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help="Name of a run, or an evaluation.json.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Name of the other one.")],
    json: Json = False,
) -> None:
    """Two runs side by side: which tuned model is better, on what both were measured on.

    Example: finexpert runs compare finexpert-20260131-142536-9f3a finexpert-20260201-091500-77c0
    """
    from finexpert.service.evaluation import comparison, results
    from finexpert.views import display
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
    run: Annotated[str, typer.Argument(help="Name of the run.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")] = False,
    json: Json = False,
) -> None:
    """What the run's training job has written, as it stands in CloudWatch Logs. Ctrl-C only stops reading.

    Example: finexpert runs log finexpert-20260131-142536-9f3a --follow
    """
    from finexpert.service.runs import executions
    from finexpert.views import display

    deployment = open_deployment(context)
    lines = executions.log_lines(deployment, run, follow=follow)
    if json:
        display.print_json({"run": run, "lines": list(lines)})
        return
    with display.may_be_left("the run", where=run, fix=f"Read again: finexpert runs log {run} --follow"):
        for line in lines:
            display.print_text(line, flush=follow)
