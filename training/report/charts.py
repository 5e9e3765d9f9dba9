"""Plots as inline SVG, drawn by hand: no plotting package, no script, colours from the page's style sheet.

Figures have a fixed size, so that their type is as large on a phone, where a chart is scrolled sideways.
Every chart has a title and a text for screen readers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 34, 40
LEGEND = 8
#: Of the chart of intervals: room for the names at the left, and the height of a row.
NAMES, ROW = 250, 30


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values in [low, high] to pixels from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low or 1.0
        return round(self.start + (value - self.low) / span * (self.end - self.start), 1)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """About ``wanted`` round numbers (1, 2 or 5 times a power of ten apart) within [low, high]."""
    span = high - low
    if span <= 0:
        return [low]
    raw = span / wanted
    power = 10.0 ** int(f"{raw:e}".split("e")[1])  # that of its first digit
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    first = -(-low // step)
    return [round((first + i) * step, 10) for i in range(int((high - first * step) / step + 1e-9) + 1)]


def line_chart(
    line: Sequence[tuple[float, float]],
    dots: Sequence[tuple[float, float]],
    *,
    title: str,
    x_label: str,
    line_label: str,
    dots_label: str,
) -> str:
    """A line with marked points on the same axes; both are (x, y). Empty if there is nothing to draw."""
    points = [*line, *dots]
    if not points:
        return ""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    margin = (max(ys) - min(ys)) * 0.08 or 0.1
    x = Scale(min(0.0, *xs), max(xs), LEFT, WIDTH - RIGHT)
    y = Scale(min(ys) - margin, max(ys) + margin, HEIGHT - BOTTOM, TOP)
    path = " ".join(f"{x(a)},{y(b)}" for a, b in line)
    marks = "".join(f'<circle class="dot" cx="{x(a)}" cy="{y(b)}" r="4.5"/>' for a, b in dots)
    key = _legend((("line", line_label), ("dot", dots_label)))
    body = f'<polyline class="line" points="{path}"/>{marks}{key}'
    return _frame(title, x, y, x_label, body)


def difference_chart(
    differences: Sequence[float], interval: tuple[float, float], *, title: str, x_label: str
) -> str:
    """A bar for each document's change, sorted, and the interval of the overall change as a band.

    Bar 1 stands around 1 on the axis, so that each label is below the middle of its bar.
    """
    ordered = sorted(differences)
    low, high = min(0.0, interval[0], *ordered), max(0.0, interval[1], *ordered)
    margin = (high - low) * 0.08 or 0.1
    x = Scale(0.5, len(ordered) + 0.5, LEFT, WIDTH - RIGHT)
    y = Scale(low - margin, high + margin, HEIGHT - BOTTOM, TOP)
    gap = 0.15 if len(ordered) <= 120 else 0.0
    bars = "".join(
        f'<rect class="{"better" if value < 0 else "worse"}" x="{x(i - 0.5 + gap)}"'
        f' width="{round(x(i + 0.5 - gap) - x(i - 0.5 + gap), 2)}"'
        f' y="{min(y(0), y(value))}" height="{round(abs(y(value) - y(0)), 1)}"/>'
        for i, value in enumerate(ordered, 1)
    )
    top, bottom = y(interval[1]), y(interval[0])
    width, tall = WIDTH - LEFT - RIGHT, round(bottom - top, 1)
    band = f'<rect class="band" x="{LEFT}" width="{width}" y="{top}" height="{tall}"/>'
    zero = f'<line class="zero" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(0)}" y2="{y(0)}"/>'
    key = _legend((("better", "better"), ("worse", "worse"), ("band", "95 % interval of the change")))
    return _frame(title, x, y, x_label, band + bars + zero + key)


@dataclass(frozen=True, slots=True)
class Span:
    """An interval with its estimate; ``kind`` is "better", "worse" or "undecided"."""

    name: str
    low: float
    middle: float
    high: float
    kind: str


def interval_chart(spans: Sequence[Span], *, title: str) -> str:
    """A row for each span on one axis with zero marked; right of it is better. Empty without spans."""
    if not spans:
        return ""
    low, high = min(0.0, *(span.low for span in spans)), max(0.0, *(span.high for span in spans))
    margin = (high - low) * 0.06 or 0.1
    bottom = TOP + ROW * len(spans)
    x = Scale(low - margin, high + margin, NAMES, WIDTH - RIGHT)
    rows = "".join(_span_row(span, x, TOP + ROW * row + ROW / 2) for row, span in enumerate(spans))
    grid = "".join(
        f'<line class="grid" x1="{x(value)}" x2="{x(value)}" y1="{TOP}" y2="{bottom}"/>'
        f'<text class="label" x="{x(value)}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>'
        for value in ticks(x.low, x.high, 7)
    )
    zero = f'<line class="zero" x1="{x(0)}" x2="{x(0)}" y1="{TOP}" y2="{bottom}"/>'
    key = _legend((("better", "better"), ("worse", "worse"), ("undecided", "may be chance")))
    middle = (NAMES + WIDTH - RIGHT) / 2
    name = f'<text class="label" x="{middle}" y="{bottom + 34}" text-anchor="middle">{escape(title)}</text>'
    return _svg(title, bottom + 40, f"{grid}{zero}{rows}{key}{name}")


def _span_row(span: Span, x: Scale, y: float) -> str:
    return (
        f'<text class="name" x="{NAMES - 12}" y="{y + 4}" text-anchor="end">{escape(span.name)}</text>'
        f'<line class="span {span.kind}" x1="{x(span.low)}" x2="{x(span.high)}" y1="{y}" y2="{y}"/>'
        f'<circle class="{span.kind}" cx="{x(span.middle)}" cy="{y}" r="5"/>'
    )


def _legend(entries: Sequence[tuple[str, str]]) -> str:
    """Keys above the plot, from the right."""
    parts, right = [], WIDTH - RIGHT - 4
    for kind, label in reversed(entries):
        right -= 7 * len(label) + 26
        parts.append(f'<rect class="{kind} key" x="{right}" y="{LEGEND}" width="12" height="10"/>')
        parts.append(f'<text class="label" x="{right + 17}" y="{LEGEND + 9}">{escape(label)}</text>')
    return "".join(parts)


def _frame(title: str, x: Scale, y: Scale, x_label: str, body: str) -> str:
    grid = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}"/>'
        f'<text class="label" x="{LEFT - 8}" y="{y(value) + 4}" text-anchor="end">{value:g}</text>'
        for value in ticks(y.low, y.high)
    )
    base = HEIGHT - BOTTOM
    marks = "".join(
        f'<text class="label" x="{x(value)}" y="{base + 16}" text-anchor="middle">{value:g}</text>'
        for value in ticks(x.low, x.high, 8)
        if float(value).is_integer()
    )
    middle = (LEFT + WIDTH - RIGHT) / 2
    name = f'<text class="label" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_label)}</text>'
    return _svg(title, HEIGHT, f"{grid}{body}{marks}{name}")


def _svg(title: str, height: float, content: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{content}</svg>"
    )
