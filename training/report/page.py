"""The report: one page for everybody, then how we know, then all that is needed to repeat it."""

from collections.abc import Mapping
from html import escape
from importlib import resources
from typing import Any

from core.evaluation.evaluation import REPORT_POLICY
from training.report.evidence import figures, why
from training.report.facts import course, data_and_cost, to_repeat
from training.report.findings import findings
from training.report.samples import samples
from training.report.summary import summary, title


def render(evaluation: Mapping[str, Any], *, addition: str = "") -> str:
    """report.html from evaluation.json's content: self-contained, for screen and paper, light and dark.

    Args:
        addition: HTML of a further section at the end; what it quotes must be escaped already.
    """
    style = (resources.files("training.report") / "style.css").read_text(encoding="utf-8")
    parts = [
        summary(evaluation),
        figures(evaluation),
        why(evaluation),
        findings(evaluation),
        samples(evaluation),
        course(evaluation),
        data_and_cost(evaluation),
        to_repeat(evaluation),
        *([addition] if addition else []),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{REPORT_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title(evaluation))}</title><style>\n{style}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )
