"""A followed run on the screen: what it is doing, how far, the loss, and what it costs."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from core.dataset.check import DatasetReport
from core.wording import signed
from finexpert.service.deployment import Deployment
from finexpert.service.runs import datasets, executions, follow, names
from finexpert.service.runs.follow import Snapshot
from finexpert.text import counted, duration, interval, sparkline, usd
from finexpert.views import display

TENTHS = 10
SHOWN_FILES = 10
"""A dataset report says of this many files how they were read."""


def region(snapshot: Snapshot, *, is_local: bool) -> RenderableType:
    """The region that a terminal shows and replaces."""
    progress = snapshot.progress
    cost = money(snapshot, is_local=is_local)
    head = Spinner("dots", text=Text.assemble((snapshot.doing, "bold"), (f"   {cost}", "dim")))
    if not progress.steps:
        return head
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        " ",
        ProgressBar(total=progress.steps, completed=progress.step, width=36),
        Text(steps(snapshot)),
        Text(sparkline(progress.losses), style="cyan"),
    )
    return Group(head, bar)


def milestone(snapshot: Snapshot, *, is_local: bool) -> tuple[str, str]:
    """The line for a pipe and its key: a new one for each state, phase and tenth of the steps."""
    progress = snapshot.progress
    if progress.phase == "train" and progress.step and not snapshot.ended:
        tenth = progress.step * TENTHS // progress.steps
        return (
            f"  {snapshot.doing}: {steps(snapshot)} · {money(snapshot, is_local=is_local)}",
            f"train {tenth}",
        )
    return f"  {snapshot.doing}", snapshot.doing


def steps(snapshot: Snapshot) -> str:
    """`step 12/40 · loss 3.214 · 2,310 tokens/s · 14 s left`."""
    progress = snapshot.progress
    parts = [f"step {progress.step}/{progress.steps}"]
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.3f}")
    if progress.tokens_per_second:
        parts.append(f"{progress.tokens_per_second:,.0f} tokens/s")
    if progress.eta_seconds and progress.step < progress.steps:
        parts.append(f"{duration(progress.eta_seconds)} left")
    return " · ".join(parts)


def money(snapshot: Snapshot, *, is_local: bool) -> str:
    """The job's cost, locally at AWS's price for as many seconds; "" before it bills."""
    if not snapshot.seconds:
        return ""
    price = " at AWS's price" if is_local else ""
    so_far = "" if snapshot.ended else " so far"
    return f"{duration(snapshot.seconds)}, {usd(snapshot.usd)}{price}{so_far}"


def ending(
    snapshot: Snapshot, evaluation: Mapping[str, Any] | None, *, is_local: bool, called: str = ""
) -> str:
    """The end of a run that succeeded, in Rich's markup: the numbers, the gate's decision, the money.

    Args:
        called: the run's name and id; by default its id.
    """
    accepted = snapshot.output.get("outcome") == "accepted"
    sign, word = ("[green]✓[/]", "accepted") if accepted else ("[red]✗[/]", "refused")
    lines = [f"{sign} [bold]{escape(called or snapshot.run)}[/] {word} by the quality gate"]
    if evaluation:
        lines += [f"  {before_after(evaluation)}", f"  {escape(evaluation.get('verdict', ''))}".rstrip()]
    lines.append(f"  {money(snapshot, is_local=is_local)}")
    return "\n".join(lines)


def before_after(evaluation: Mapping[str, Any]) -> str:
    """`held-out bits per byte: 3.412 → 2.871, difference −0.541, interval [−0.601, −0.482]`."""
    primary = evaluation["primary"]
    return (
        f"{metric(evaluation)}: {primary['base']:.3f} → {primary['tuned']:.3f}, "
        f"difference {signed(primary['difference'])}, interval {interval(primary['interval'])}"
    )


def metric(evaluation: Mapping[str, Any]) -> str:
    """The primary metric's name in words: `held-out bits per byte`."""
    return str(evaluation["primary"]["metric"]).replace("held_out", "held-out").replace("_", " ")


def start(
    deployment: Deployment,
    data: str,
    overrides: Mapping[str, str],
    *,
    wake: bool,
    again: bool,
    title: str = "",
    unjudged: bool = False,
) -> str:
    """Check the data, upload it, start a run, and say so on stderr; returns the run's id.

    Args:
        data: a file or folder, or the S3 URI of an uploaded dataset.
        overrides: of the recipe's hyperparameters.
        wake: serve the result at once if the quality gate accepts it.
        again: also where a run on the same data began within the hour.
        title: what people call the run.
        unjudged: also where the quality gate could not judge the result.

    Raises:
        finexpert.service.runs.executions.Repeated: it did, and `again` is off.
        UserError: the data, a hyperparameter or the title cannot be used.
    """
    out = display.console(stderr=True)
    if title:
        names.require_free(deployment, title)
    dataset, checked = datasets.ready(deployment, data, overrides, unjudged=unjudged)
    if checked:
        print_report(out, checked)
    now = datetime.now(UTC)
    if not again:
        executions.require_new(deployment, dataset=dataset, hyperparameters=overrides, now=now)
    by = deployment.target.caller()
    run = executions.start(
        deployment,
        dataset=dataset,
        hyperparameters=overrides,
        wake=wake,
        now=now,
        title=title,
        by=by,
        unjudged=unjudged,
    )
    shown = names.called(run, {run: title} if title else {})
    out.print(f"started [bold]{escape(shown)}[/] on {dataset}")
    return run


def watch(deployment: Deployment, run: str) -> Snapshot:
    """Follow a run on the screen to its end.

    Raises:
        UserError: Ctrl-C; the run goes on, and the error says how to come back.
    """
    back = f"Watch again: finexpert train --attach {run}. Stop it: finexpert train --stop {run}"
    with (
        display.may_be_left("the run", where=run, fix=back),
        display.Live(display.console(stderr=True)) as live,
    ):
        return follow_live(deployment, run, live)


def follow_live(deployment: Deployment, run: str, live: display.Live) -> Snapshot:
    """Show a run in a live region to its end; returns its last snapshot."""
    is_local = deployment.target.is_local
    for snapshot in follow.snapshots(deployment, run, now=lambda: datetime.now(UTC)):
        live.update(region(snapshot, is_local=is_local), *milestone(snapshot, is_local=is_local))
    return snapshot


def print_report(out: Console, report: DatasetReport) -> None:
    """The dataset report's sentence, and the warnings that a reader should weigh."""
    if report.ok:
        out.print(f"[green]✓[/] {escape(report.sentence)}")
    for understood in report.understood[:SHOWN_FILES]:
        out.print(f"[dim]read as[/] {escape(str(understood))}")
    if report.understood[SHOWN_FILES:]:
        out.print(f"[dim]read as[/] … and {counted(len(report.understood) - SHOWN_FILES, 'more file')}")
    for part in ("prompt", "text"):
        if report.first and part in report.first:
            label = "first prompt" if part == "prompt" else "first text learned"
            shown = json.dumps(report.first[part], ensure_ascii=False)
            out.print(f"[dim]{label}:[/] {escape(shown)}")
    for warning in report.warnings:
        out.print(f"[yellow]![/] {escape(warning)}")
