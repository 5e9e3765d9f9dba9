"""The report's other changes: every metric with its interval, and every task."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.report.charts import Span, interval_chart
from training.report.figures import BITS, change, interval, value
from training.report.markup import note, scrolled, table

_HEAD = ("", "base", "tuned", "change", "95 % interval", "could be seen", "items", "finding")


def findings(evaluation: Mapping[str, Any]) -> str:
    """Charts by unit, then the figures."""
    metrics = [metric for metric in evaluation["metrics"] if metric["items"]]
    bits = [metric for metric in metrics if metric["unit"] == BITS]
    shares = [metric for metric in metrics if metric["unit"] != BITS]
    charts = _chart(bits, 1.0, "Change in bits a byte") + _chart(shares, 100.0, "Change in percentage points")
    left_out = "; ".join(
        f"{entry.get('title', entry['name'].replace('_', ' '))} ({entry['reason']})"
        for entry in [*evaluation["not_measured"], *map(_leaked, evaluation["metrics"])]
        if entry
    )
    return (
        "<h2>What else changed</h2>"
        + note(
            "Each line is the 95 % interval of a change; it is turned so that right of zero is better. A line"
            " that crosses zero may be chance."
        )
        + charts
        + table(_HEAD, map(_row, metrics), name="Every figure before and after")
        + note(
            "Of several comparisons one looks good by chance sooner or later. Whether a change below the"
            " first two counts as better or worse is therefore decided after a correction for their number"
            " (Holm-Bonferroni); the intervals themselves are not corrected. “Could be seen” is the smallest"
            " true change that these items show four times in five: where no difference is shown, a smaller"
            " one may be there. “Why” says what decides."
        )
        + _wordings(evaluation)
        + (note(f"Not measured: {left_out}.") if left_out else "")
        + _tasks(evaluation)
    )


def _wordings(evaluation: Mapping[str, Any]) -> str:
    """How much of the figure of sentiment is the wording's, and how much each model's habit."""
    found = evaluation.get("choices", {}).get("sentiment_consistency")
    if not found:
        return ""
    parts = []
    for name, each in found.items():
        ends = dict.fromkeys(f"{end(each['wordings']):.0%}" for end in (min, max))
        label, share = max(each["prior"].items(), key=lambda pair: float(pair[1]))
        parts.append(
            f"the {name} model labels {' to '.join(ends)} rightly, by the wording; of a text that says"
            f" nothing it says “{label}” with {share:.0%}, and without this habit"
            f" {each['calibrated']:.0%} are right"
        )
    asked = next(iter(found.values()))["wordings"]
    return note(f"Sentiment, asked in {len(asked)} wordings: {'; '.join(parts)}.")


def _leaked(metric: Mapping[str, Any]) -> Mapping[str, Any]:
    """Why a metric is not shown whose items all stand in the training text; empty for others."""
    if metric["items"]:
        return {}
    return {"name": metric["title"], "reason": "all of it also stands in the training text"}


def _chart(metrics: Sequence[Mapping[str, Any]], factor: float, title: str) -> str:
    spans = []
    for metric in metrics:
        sign = -factor if metric["better"] == "lower" else factor
        low, high = sorted(sign * end for end in metric["interval"])
        spans.append(Span(metric["title"], low, sign * metric["difference"], high, _kind(metric)))
    return scrolled(interval_chart(spans, title=f"{title}, right is better"), title)


def _kind(metric: Mapping[str, Any]) -> str:
    return {"better": "better", "worse": "worse"}.get(metric["finding"], "undecided")


def _detectable(metric: Mapping[str, Any]) -> str:
    """The smallest true change that this many items would show four times in five."""
    figure = metric.get("detectable")
    if figure is not None and metric["unit"] != BITS and figure >= 1:
        return "nothing"
    return "" if figure is None else f"± {change(metric, figure).lstrip('+')}"


def _finding(metric: Mapping[str, Any]) -> str:
    """The finding; of a guard that got worse within its bound, that it is allowed."""
    limit = metric.get("limit")
    if limit is not None and metric["finding"] == "worse" and metric["interval"][1] <= limit * metric["base"]:
        return "worse, within what is allowed"
    return str(metric["finding"])


def _row(metric: Mapping[str, Any]) -> tuple[str, ...]:
    items = str(metric["items"])
    if metric["available"] > metric["items"]:
        items += f" of {metric['available']}"
    guessing = metric.get("chance")
    return (
        metric["title"] + ("" if guessing is None else f" (guessing: {guessing:.0%})"),
        value(metric, metric["base"]),
        value(metric, metric["tuned"]),
        change(metric, metric["difference"]),
        interval(metric),
        _detectable(metric),
        items,
        _finding(metric),
    )


def _tasks(evaluation: Mapping[str, Any]) -> str:
    if not evaluation["tasks"] or not evaluation["primary"]["items"]:
        return ""
    rows = [
        _row(task | {"title": task["task"] or "no task", "unit": BITS, "available": 0})
        for task in evaluation["tasks"]
    ]
    head = ("task", "base", "tuned", "change", "95 % interval", "could be seen", "documents", "finding")
    return (
        "<h2>Task by task</h2>"
        + note("Held-out text, in bits a byte.")
        + table(head, rows, name="Task by task")
    )
