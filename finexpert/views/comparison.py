"""Two runs on the screen: the metrics in pairs, what differs in their settings, and what they cost."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from core.wording import signed
from finexpert.service.evaluation.comparison import MetricPair, RunPair
from finexpert.text import interval, usd
from finexpert.views import display

NONE = "–"


def tables(pair: RunPair) -> Iterator[RenderableType]:
    """The tables that `finexpert runs compare` prints, from top to bottom."""
    for letter, name, passed in zip("AB", pair.runs, pair.passed, strict=True):
        word = "accepted by the quality gate" if passed else "refused by the quality gate"
        yield Text.assemble((f"{letter} ", "bold"), name, (f"  {word}", "dim"))
    yield Text(pair.sentence, style="bold")
    yield _metrics(pair)
    for warning in pair.warnings:
        yield Text(f"! {warning}", style="yellow")
    yield from _differences(pair)


def _metrics(pair: RunPair) -> Table:
    headings = ("A", "B", "B − A", "95 % interval", "items")
    table = display.figures_table("tuned models", headings, "finding")
    for metric in pair.metrics:
        table.add_row(
            f"{metric.title} ({metric.unit})",
            f"{metric.a:.3f}",
            f"{metric.b:.3f}",
            NONE if metric.difference is None else signed(metric.difference),
            NONE if metric.interval is None else interval(metric.interval),
            str(metric.shared) if metric.shared else NONE,
            _finding(metric),
        )
    return table


def _finding(metric: MetricPair) -> str:
    if metric.finding is None:
        return "not comparable"
    return metric.finding if "better" not in metric.finding else f"[bold]{metric.finding}[/]"


def _differences(pair: RunPair) -> Iterator[Table]:
    table = Table("differs", "A", "B", box=None, header_style="dim", pad_edge=False)
    rows: Mapping[str, tuple[Any, Any]] = {**pair.settings, **pair.versions}
    for name, values in rows.items():
        table.add_row(name, *(NONE if value is None else str(value) for value in values))
    costs = ["unknown" if amount is None else usd(amount) for amount in pair.usd]
    if costs[0] != costs[1]:
        table.add_row("cost of the job", *costs)
    if table.row_count:
        yield table
