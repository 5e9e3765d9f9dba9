"""The report's evidence: the figures of the verdict, and the rules behind it."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from core.wording import signed
from training.report.charts import difference_chart
from training.report.figures import change, interval, value
from training.report.markup import mark, note, scrolled


def figures(evaluation: Mapping[str, Any]) -> str:
    """The figures that the verdict rests on; empty where no document could be compared."""
    if evaluation["primary"]["items"] == 0:
        return ""
    return f'<h2>How we know</h2><div class="cards">{"".join(_cards(evaluation))}</div>' + note(
        "We measure how well each model guesses text of yours that it has not seen, in bits for each byte:"
        " 0 is perfect, 8 is blind guessing. Both models read the same held-out documents; what of them also"
        " stands in the training text is left out. One training with one seed was measured: another seed"
        " gives another model, and the intervals do not speak of it."
    )


def _cards(evaluation: Mapping[str, Any]) -> Iterator[str]:
    by_role = {metric["role"]: metric for metric in reversed(evaluation["metrics"])}
    primary, guard = by_role["primary"], by_role["guard"]
    what = (
        "Held-out answers"
        if any(r["name"] == "follows_prompts" for r in evaluation["gate"])
        else "Held-out text"
    )
    base = f"{value(primary, primary['base'])}, then {value(primary, primary['tuned'])}"
    yield _card(f"{what}, bits a byte", base, "before and after; lower is better")
    yield _card("Change, with its 95 % interval", change(primary, primary["difference"]), interval(primary))
    groups = f", in {primary['groups']} groups" if primary.get("groups") else ""
    yield _card(
        "Documents predicted better",
        f"{primary['win_rate'] * 100:.0f} %",
        f"of {primary['items']} held out{groups}",
    )
    general, upper = guard["difference"] / guard["base"], guard["interval"][1] / guard["base"]
    yield _card(
        "General text, share of its bits",
        f"{signed(general * 100, 1)} %",
        f"at most {signed(upper * 100, 1)} %; allowed {signed(guard['limit'] * 100, 1)} %",
    )


def _card(name: str, figure: str, remark: str) -> str:
    parts = f"<span>{escape(name)}</span><b>{escape(figure)}</b><span>{escape(remark)}</span>"
    return f'<div class="card">{parts}</div>'


def why(evaluation: Mapping[str, Any]) -> str:
    """The gate's rules, the documents behind them, and what was left out."""
    rules = "".join(
        f"<li>{mark(rule['passed'])} {escape(rule['sentence'])}</li>" for rule in evaluation["gate"]
    )
    if evaluation["primary"]["items"] == 0:
        return f'<h2>Why</h2><ul class="gate">{rules}</ul>' + _overlaps(evaluation["contamination"])
    values, low_high = evaluation["items"][evaluation["primary"]["metric"]], evaluation["primary"]["interval"]
    chart = difference_chart(
        [after - before for before, after in zip(values["base"], values["tuned"], strict=True)],
        (low_high[0], low_high[1]),
        title="Change of each held-out document in bits a byte; below zero is better",
        x_label="held-out documents, from most improved to least",
    )
    return (
        f'<h2>Why</h2><ul class="gate">{rules}</ul>'
        + note("Change of each held-out document in bits a byte; below zero the tuned model is better.")
        + scrolled(chart, "Change of each held-out document")
        + _overlaps(evaluation["contamination"])
    )


def _overlaps(contamination: Mapping[str, Any]) -> str:
    documents, items = contamination["overlapping_documents"], contamination["overlapping_items"]
    shortened = contamination.get("shortened_documents", 0)
    listed = "".join(
        f"<li>{escape(example['id'])}: “{escape(example['words'])}”</li>"
        for example in contamination["examples"]
    )
    examples = f'<ul class="note">{listed}</ul>'
    looked = (
        f"We searched the training text and its prompts for {contamination['documents']} held-out documents"
        f" and {contamination['items']} questions and paragraphs: for copies, and for a stretch of"
        f" {contamination['words']} words."
    )
    if not documents and not items and not shortened:
        return note(f"{looked} Nothing was found there; other wordings of the same text would not be found.")
    if documents == contamination["documents"]:
        return note(f"{looked} All {documents} documents stand there, so they have no figure.") + examples
    found = (
        f"{looked} {documents} documents and {items} questions or paragraphs stand there and are left out of"
        " all figures above"
        + (f"; of {shortened} more documents only the shared stretches are." if shortened else ".")
    )
    everything = contamination["all_documents"]
    found += (
        f" With those documents the change would be {signed(everything['difference'])}"
        f" ({signed(everything['interval'][0])} to {signed(everything['interval'][1])})."
    )
    return note(found) + examples
