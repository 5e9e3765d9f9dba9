"""The demo's results in figures: on the screen, in `summary.json`, and in the job's own report."""

import json
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from finexpert.demo.stage import Stage
from finexpert.paths import write_whole
from finexpert.service.money import costs, plan
from finexpert.text import duration, usd
from finexpert.views.run import before_after, metric
from training.report import render

HONESTY = (
    "Estimated, not measured: Llama 2 7B on AWS for as many tokens as the model here saw, at "
    "JumpStart's published speed. Cents for S3, Lambda, Step Functions and CloudWatch are not in it."
)


def sums(stage: Stage) -> list[plan.Sum]:
    """The cost that the same would have had on AWS, a line each and their total."""
    assert stage.snapshot is not None
    settings = stage.deployment.settings
    lines = [
        plan.training(
            stage.snapshot.progress.tokens_seen,
            2 * int(stage.evaluation.get("data", {}).get("validation_tokens", 0)),  # by base and tuned model
            instance_type=settings.training_instance_type,
            instance_count=settings.training_instance_count,
            usd_per_hour=costs.training_usd_per_hour(stage.deployment) / settings.training_instance_count,
        )
    ]
    if stage.awake_seconds:
        lines.append(
            plan.hosting(
                stage.awake_seconds,
                instance_type=settings.hosting_instance_type,
                usd_per_hour=costs.hosting_usd_per_hour(stage.deployment),
            )
        )
    return [*lines, plan.total(lines)]


def document(stage: Stage) -> dict[str, Any]:
    """The content of `summary.json`."""
    assert stage.snapshot is not None
    return {
        "run": stage.snapshot.run,
        "outcome": stage.snapshot.output.get("outcome"),
        "dataset": str(stage.data),
        "primary": stage.evaluation.get("primary"),
        "steps": [asdict(timing) for timing in stage.timings],
        "seconds": sum(timing.seconds for timing in stage.timings),
        "answers": [asdict(answer) for answers in stage.answers for answer in answers],
        "chat": [asdict(answer) for answer in stage.said],
        "cost": {
            "here_usd": 0.0,
            "on_aws_estimated": [asdict(line) for line in sums(stage)],
            "note": HONESTY,
        },
        "left": stage.leftovers,
    }


def table(stage: Stage) -> Table:
    """The one summary at the end."""
    shown = Table(box=box.ROUNDED, show_header=False, title="Summary", title_style="bold")
    shown.add_column(style="bold")
    shown.add_column()
    for label, text in _rows(stage):
        shown.add_row(label, Text(text))
    return shown


def _rows(stage: Stage) -> list[tuple[str, str]]:
    rows = [
        (metric(stage.evaluation), before_after(stage.evaluation).partition(": ")[2]),
        ("", str(stage.evaluation.get("verdict", ""))),
        ("cost here", "$0"),
    ]
    rows += [(f"on AWS: {line.what.lower()}", f"{usd(line.usd)} = {line.how}") for line in sums(stage)]
    rows.append(("", HONESTY))
    rows += [(timing.title, duration(timing.seconds)) for timing in stage.timings]
    rows.append(("all steps", duration(sum(timing.seconds for timing in stage.timings))))
    if stage.leftovers:
        rows.append(("left behind", f"nothing: 0 of each of {len(stage.leftovers)} kinds looked for"))
    return rows


def write(stage: Stage, folder: Path) -> tuple[Path, Path]:
    """Write `report.html` and `summary.json`, each whole or not at all: two demos may end at once."""
    page, data = folder / "report.html", folder / "summary.json"
    write_whole(data, json.dumps(document(stage), indent=2, ensure_ascii=False).encode())
    write_whole(page, render(stage.evaluation, addition=section(stage)).encode())
    return page, data


def section(stage: Stage) -> str:
    """The demo's part of the report: figures, timings, and what both models said."""
    rows = "".join(
        f"<tr><th>{escape(label)}</th><td>{escape(text)}</td></tr>" for label, text in _rows(stage)
    )
    parts = [f"<section><h2>The demo around it</h2><table>{rows}</table>"]
    if stage.answers:
        models = "".join(f"<th>{escape(answer.model)}</th>" for answer in stage.answers[0])
        turns = [(f"{answers[0].prompt} …", answers) for answers in stage.answers]
        turns += [(stage.base.question, stage.said)] if stage.said else []
        said = "".join(
            f"<tr><th>{escape(prompt)}</th>"
            + "".join(f"<td>{escape(answer.text)}</td>" for answer in answers)
            + "</tr>"
            for prompt, answers in turns
        )
        parts.append(
            f"<h2>Asked of the live endpoint</h2><table><tr><th>prompt</th>{models}</tr>{said}</table>"
        )
    return "".join(parts) + "</section>"
