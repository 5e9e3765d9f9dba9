"""The report's facts for repeating the training: data, time, cost, settings, versions."""

from collections.abc import Iterable, Mapping
from typing import Any

from training.report.charts import line_chart
from training.report.markup import facts, note, scrolled


def course(evaluation: Mapping[str, Any]) -> str:
    """The loss over the steps."""
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
    training = evaluation["training"]
    text = (
        "Loss in nats a token: each step's own, and that of about half of the held-out documents at the start"
        " and on the way."
    )
    if any(not document.get("judged", True) for document in evaluation["documents"]):
        text += (
            f" By that half early stopping chose step {training['kept_step']} of {training['steps']}; the"
            " verdict rests on the other half."
        )
    return f"<h2>How it learned</h2>{note(text)}{scrolled(chart, 'Loss over the course of training')}"


def data_and_cost(evaluation: Mapping[str, Any]) -> str:
    """Two tables."""
    return (
        f'<h2>Data, time and cost</h2><div class="two">{facts(_data(evaluation["data"]).items())}'
        f"{facts(_cost(evaluation).items())}</div>"
    )


def to_repeat(evaluation: Mapping[str, Any]) -> str:
    """Settings, versions, and how the figures were made."""
    generation, statistics = evaluation["generation"], evaluation["statistics"]
    methods = {
        "Intervals": statistics["interval"],
        "p-values": statistics["test"],
        "Correction": statistics["correction"],
        "Resamples, seed": f"{statistics['resamples']:,}, {statistics['seed']}",
        "Samples": f"up to {generation['max_new_tokens']} tokens, temperature {generation['temperature']:g},"
        f" top_p {generation['top_p']:g}, seed {generation['seed']}",
        "Cut prompts": f"{generation['truncated_prompts']} were longer than the model's context",
        "Schema": f"evaluation.json, version {evaluation['schema_version']}",
    }
    right = facts(evaluation["versions"].items()) + facts(methods.items())
    settings = facts(evaluation["settings"].items())
    return f'<h2>To repeat it</h2><div class="two">{settings}<div>{right}</div></div>'


def _data(data: Mapping[str, Any]) -> dict[str, object]:
    tokens = data["training_tokens"] + data["validation_tokens"]
    return {
        "Files": data["files"],
        "Documents": f"{data['training_documents']:,} trained on, {data['validation_documents']:,} held out",
        "Size": f"{data['bytes'] / 1000:,.0f} kB, {tokens:,} tokens",
        "Left out": f"{data['empty']} empty, {data['duplicates']} repeated, {data['leaked']} also held out,"
        f" {data['beyond_limit']} beyond a set limit",
        "Packed": f"{data['rows']} rows of {data['row_length']} tokens, {data['padding_share']:.1%} padding",
        "Reading": _grouped(data["notes"]) or "—",
        "SHA-256": data["sha256"],
    }


def _cost(evaluation: Mapping[str, Any]) -> dict[str, object]:
    cost, training = evaluation["cost"], evaluation["training"]
    price = "unknown" if cost["usd_per_hour"] is None else f"${cost['usd_per_hour']:.3f} an hour"
    spent = "unknown" if cost["usd"] is None else f"${cost['usd']:.4f}"
    rows: dict[str, object] = {
        "Price of the instances": price,
        "Instances while the program ran": spent,
        "Time that the program ran": f"{cost['seconds']:.1f} s",
        "Of it for evaluation": f"{cost['evaluation_seconds']:.1f} s, {cost['evaluation_share']:.0%}",
        "Optimizer steps": training["steps"],
        "Trainable parameters": f"{training['trainable_parameters']:,} of {training['base_parameters']:,}",
        "Processes": training["processes"],
    }
    phases = ((f"Seconds: {name}", f"{seconds:.1f}") for name, seconds in evaluation["timings"].items())
    return rows | dict(phases)


def _grouped(notes: Iterable[str]) -> str:
    """Decisions about files ("NAME: what"), joined; a name is kept only where one file alone has it."""
    files: dict[str, list[str]] = {}
    for text in notes:
        name, _, what = text.partition(": ")
        files.setdefault(what, []).append(name)
    return "; ".join(
        f"{names[0] if len(names) == 1 else f'{len(names)} files'}: {what}" for what, names in files.items()
    )
