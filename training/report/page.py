"""The page: the verdict in a sentence, then why, then the answers, then all that is needed to repeat it."""

from collections.abc import Iterable, Mapping
from html import escape
from importlib import resources
from typing import Any

from training.report.charts import difference_chart, line_chart

_TITLE = "Financial domain expert: before and after tuning"


def render(evaluation: Mapping[str, Any]) -> str:
    """report.html from evaluation.json's content: self-contained, for screen and paper, light and dark."""
    style = (resources.files("training.report") / "style.css").read_text(encoding="utf-8")
    parts = (
        _verdict(evaluation),
        _why(evaluation),
        _samples(evaluation),
        _course(evaluation),
        _facts(evaluation),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_TITLE}</title><style>\n{style}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )


def _verdict(evaluation: Mapping[str, Any]) -> str:
    primary, forgetting = evaluation["primary"], evaluation["forgetting"]
    low, high = primary["interval"]
    word, kind = ("Accepted", "passed") if evaluation["passed"] else ("Not accepted", "failed")
    cards = (
        ("Held-out text, bits a byte", f"{primary['base']:.3f} → {primary['tuned']:.3f}", "lower is better"),
        ("Change, with its 95 % interval", f"{primary['difference']:+.3f}", f"{low:+.3f} to {high:+.3f}"),
        ("Documents predicted better", f"{primary['win_rate']:.0%}", f"of {primary['documents']} held out"),
        (
            "General text, bits a byte",
            f"{forgetting['difference']:+.3f}",
            f"allowed: {forgetting['limit']:+g}",
        ),
    )
    boxes = "".join(
        f'<div class="card"><span>{escape(name)}</span><b>{escape(value)}</b>'
        f"<span>{escape(note)}</span></div>"
        for name, value, note in cards
    )
    return (
        f'<h1>{_TITLE}</h1><span class="badge {kind}">{word}</span>'
        f'<p class="verdict">{escape(evaluation["verdict"])}</p><div class="cards">{boxes}</div>'
        '<p class="note">Bits a byte say how surprised a model is by text that it has not seen, for each byte'
        " of the text: one that knew every next word would need 0, one that knows nothing 8. Both models read"
        " the same held-out documents, and nothing of those was trained on.</p>"
    )


def _why(evaluation: Mapping[str, Any]) -> str:
    rules = "".join(
        f"<li>{_mark(rule['passed'])} {escape(rule['sentence'])}</li>" for rule in evaluation["gate"]
    )
    primary = evaluation["primary"]
    chart = difference_chart(
        [document["tuned"] - document["base"] for document in evaluation["documents"]],
        (primary["interval"][0], primary["interval"][1]),
        title="Change of each held-out document in bits a byte; below zero is better",
        x_label="held-out documents, from most improved to least",
    )
    return (
        f'<h2>Why</h2><ul class="gate">{rules}</ul>'
        '<p class="note">Change of each held-out document in bits a byte; below zero the tuned model is'
        " better.</p>"
        f"{chart}"
    )


def _samples(evaluation: Mapping[str, Any]) -> str:
    repetition = evaluation["repetition"]
    samples = "".join(
        f'<div class="sample"><blockquote>{escape(sample["prompt"])} …</blockquote>'
        + "".join(
            f'<div class="pair"><div><small>base, {name}</small>{escape(sample["base"][key]) or "—"}</div>'
            f"<div><small>tuned, {name}</small>{escape(sample['tuned'][key]) or '—'}</div></div>"
            for key, name in (("greedy", "most likely words"), ("sampled", "sampled"))
        )
        + "</div>"
        for sample in evaluation["samples"]
    )
    shares = "; ".join(
        f"{name}: base {repetition[key]['base']:.0%}, tuned {repetition[key]['tuned']:.0%}"
        for key, name in (("greedy", "most likely words"), ("sampled", "sampled"))
    )
    return (
        f"<h2>What they write</h2>{samples}"
        '<p class="note">Repetition, the share of three-word stretches that stood in the same answer before:'
        f" {shares}. Samples illustrate; the verdict rests on the held-out text.</p>"
    )


def _course(evaluation: Mapping[str, Any]) -> str:
    curve = evaluation["training"]["curve"]
    steps = [(event["step"], event["loss"]) for event in curve if "loss" in event]
    held_out = [(event["step"], event["validation_loss"]) for event in curve if "validation_loss" in event]
    chart = line_chart(
        steps,
        held_out,
        title="Loss over the course of training, in nats a token",
        x_label="optimizer steps",
        line_label="training",
        dots_label="held out",
    )
    note = "Loss in nats a token: each step's own, and the held-out documents' at the start and after epochs."
    return f'<h2>How it learned</h2><p class="note">{note}</p>{chart}'


def _facts(evaluation: Mapping[str, Any]) -> str:
    data, cost, training = evaluation["data"], evaluation["cost"], evaluation["training"]
    tokens = data["training_tokens"] + data["validation_tokens"]
    text = {
        "Files": f"{data['files']}",
        "Documents": f"{data['training_documents']:,} trained on, {data['validation_documents']:,} held out",
        "Size": f"{data['bytes'] / 1000:,.0f} kB, {tokens:,} tokens",
        "Left out": f"{data['empty']} empty, {data['duplicates']} repeated, {data['leaked']} also held out,"
        f" {data['beyond_limit']} beyond a set limit",
        "Packed": f"{data['rows']} rows of {data['row_length']} tokens, {data['padding_share']:.1%} padding",
        "Reading": _grouped(data["notes"]) or "—",
        "SHA-256": data["sha256"],
    }
    price = "unknown" if cost["usd_per_hour"] is None else f"${cost['usd_per_hour']:.3f} an hour"
    spent = "unknown" if cost["usd"] is None else f"${cost['usd']:.4f}"
    money = {
        "Price of the instances": price,
        "Cost up to this report": spent,
        "Optimizer steps": f"{training['steps']}",
        "Trainable parameters": f"{training['trainable_parameters']:,} of {training['base_parameters']:,}",
        "Processes": f"{training['processes']}",
    } | {f"Seconds: {name}": f"{seconds:.1f}" for name, seconds in evaluation["timings"].items()}
    return (
        f'<h2>Data, time and cost</h2><div class="two">{_table(text.items())}{_table(money.items())}</div>'
        f'<h2>To repeat it</h2><div class="two">{_table(evaluation["settings"].items())}'
        f"{_table(evaluation['versions'].items())}</div>"
    )


def _grouped(notes: Iterable[str]) -> str:
    """What was decided for many files ("NAME: what"), with a name only where it was one file's alone."""
    files: dict[str, list[str]] = {}
    for note in notes:
        name, _, what = note.partition(": ")
        files.setdefault(what, []).append(name)
    return "; ".join(
        f"{names[0] if len(names) == 1 else f'{len(names)} files'}: {what}" for what, names in files.items()
    )


def _mark(passed: bool) -> str:
    return '<span class="passed">✓</span>' if passed else '<span class="failed">✗</span>'


def _table(rows: Iterable[tuple[str, Any]]) -> str:
    cells = "".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in rows)
    return f"<table>{cells}</table>"
