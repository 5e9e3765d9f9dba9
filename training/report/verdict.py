"""First the verdict in a sentence, then why."""

from collections.abc import Mapping
from html import escape
from typing import Any

from training.report.charts import difference_chart
from training.report.figures import change, interval, value
from training.report.markup import mark, note, signed


def verdict(evaluation: Mapping[str, Any], title: str) -> str:
    """The word, the sentence, and the four figures that it rests on."""
    by_role = {metric["role"]: metric for metric in reversed(evaluation["metrics"])}
    primary, guard = by_role["primary"], by_role["guard"]
    word, kind = ("Accepted", "passed") if evaluation["passed"] else ("Not accepted", "failed")
    cards = (
        (
            "Held-out text, bits a byte",
            f"{value(primary, primary['base'])} → {value(primary, primary['tuned'])}",
            "lower is better",
        ),
        ("Change, with its 95 % interval", change(primary, primary["difference"]), interval(primary)),
        ("Documents predicted better", f"{primary['win_rate']:.0%}", f"of {primary['items']} held out"),
        (
            "General text, bits a byte",
            change(guard, guard["difference"]),
            f"at most {change(guard, guard['interval'][1])}; allowed {signed(guard['limit'], 2)}",
        ),
    )
    boxes = "".join(
        f'<div class="card"><span>{escape(name)}</span><b>{escape(figure)}</b>'
        f"<span>{escape(remark)}</span></div>"
        for name, figure, remark in cards
    )
    return (
        f'<h1>{escape(title)}</h1><span class="badge {kind}">{word}</span>'
        f'<p class="verdict">{escape(evaluation["verdict"])}</p><div class="cards">{boxes}</div>'
        + note(
            "Bits a byte say how surprised a model is by text that it has not seen, for each byte of it: one"
            " that knew every next word would need 0, one that knows nothing 8. Both models read the same"
            " held-out documents, and none of those was trained on."
        )
    )


def why(evaluation: Mapping[str, Any]) -> str:
    """The gate's rules, the documents behind them, and what was left out."""
    rules = "".join(
        f"<li>{mark(rule['passed'])} {escape(rule['sentence'])}</li>" for rule in evaluation["gate"]
    )
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
        + chart
        + _overlaps(evaluation["contamination"])
    )


def _overlaps(contamination: Mapping[str, Any]) -> str:
    documents, items = contamination["overlapping_documents"], contamination["overlapping_items"]
    looked = (
        f"{contamination['documents']} held-out documents and {contamination['items']} questions and"
        f" paragraphs were looked for in the training text, by stretches of {contamination['words']} words."
    )
    if not documents and not items:
        return note(f"{looked} None was found there.")
    everything = contamination["all_documents"]
    found = (
        f"{looked} {documents} documents and {items} others share one and are left out of all figures above."
        f" With those documents the change would be {signed(everything['difference'])}"
        f" ({signed(everything['interval'][0])} to {signed(everything['interval'][1])})."
    )
    examples = "".join(
        f"<li>{escape(example['id'])}: “{escape(example['words'])}”</li>"
        for example in contamination["examples"]
    )
    return f'{note(found)}<ul class="note">{examples}</ul>'
