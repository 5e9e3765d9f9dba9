"""A new measurement of a run on the screen: the gate's figure, the questions, and what was not measured."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from core.wording import signed
from finexpert.text import interval
from finexpert.views import display
from finexpert.views.run import before_after


def outcome(evaluation: Mapping[str, Any]) -> Iterator[RenderableType]:
    """The lines that `finexpert evaluate` prints, from top to bottom."""
    mark = "[green]✓[/]" if evaluation["passed"] else "[red]✗[/]"
    yield f"{mark} {evaluation['verdict']}"
    yield f"  {before_after(evaluation)}"
    headings = ("base", "tuned", "difference", "95 % interval", "items")
    table = display.figures_table("", headings, "finding")
    for metric in evaluation["metrics"]:
        table.add_row(
            f"{metric['title']} ({metric['unit']})",
            f"{metric['base']:.3f}",
            f"{metric['tuned']:.3f}",
            signed(metric["difference"]),
            interval(metric["interval"]),
            str(metric["items"]),
            metric["finding"],
        )
    yield table
    for entry in evaluation.get("not_measured", []):
        title = entry.get("title", entry["name"].replace("_", " "))
        yield Text(f"{title}: not measured, {entry['reason']}", style="dim")
