"""The outcome: what evaluation.json holds, from what both models made of the same material."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from training.evaluation import generation
from training.evaluation.asks import Answers, Prompt
from training.evaluation.comparisons import Compared, Outcome, compare_all
from training.evaluation.contamination import WORDS, Overlaps
from training.evaluation.gate import judge, verdict
from training.evaluation.measure import Measurement, Yardstick
from training.evaluation.metrics.base import GUARD, PRIMARY, Item, Items, Metric
from training.evaluation.metrics.choice import picked
from training.evaluation.metrics.generations import written
from training.evaluation.scoring import Score, perplexity
from training.evaluation.statistics import CONFIDENCE, RESAMPLES, Comparison

SCHEMA_VERSION = 2
#: So many overlaps, and so many questions of each metric, are shown.
EXAMPLES = 3
_DIGITS = 6


def assemble(
    *,
    yardstick: Yardstick,
    base: Measurement,
    tuned: Measurement,
    overlaps: Overlaps,
    max_forgetting: float,
    details: dict[str, Any],
) -> dict[str, Any]:
    """The content of evaluation.json (its schema lies beside this file); ``details`` are further sections."""
    material, metrics, items = yardstick.material, yardstick.metrics, yardstick.items
    outcome = compare_all(
        metrics,
        items,
        base.answers,
        tuned.answers,
        overlaps=overlaps,
        tasks=[origin.task for origin in material.held_out],
        seed=material.seed,
    )
    primary = next(outcome.metrics[metric.name] for metric in metrics if metric.role == PRIMARY)
    guard = next(outcome.metrics[metric.name] for metric in metrics if metric.role == GUARD)
    rules = judge(primary.comparison, guard.comparison, max_forgetting)
    result = {
        "schema_version": SCHEMA_VERSION,
        "passed": all(rule.passed for rule in rules),
        "primary": {"metric": primary.name} | _comparison(primary.comparison),
        "verdict": verdict(primary.comparison, rules),
        "gate": [asdict(rule) for rule in rules],
        "metrics": [
            _metric(metric, items[metric.name], outcome.metrics[metric.name], max_forgetting)
            for metric in metrics
            if metric.name in outcome.metrics
        ],
        "not_measured": [{"name": name, "reason": reason} for name, reason in outcome.missing.items()],
        "items": {name: _values(compared) for name, compared in outcome.metrics.items()},
        "tasks": [{"task": part.name} | _judged(part) for part in outcome.tasks],
        "contamination": _contamination(yardstick, base, tuned, overlaps),
        "perplexity": {"base": perplexity(base.held_out), "tuned": perplexity(tuned.held_out)},
        "samples": [_sample(prompt, base.answers, tuned.answers) for prompt in material.prompts],
        "questions": _questions(metrics, items, outcome, base.answers, tuned.answers),
        "generation": {
            "max_new_tokens": generation.NEW_TOKENS,
            "temperature": generation.TEMPERATURE,
            "top_p": generation.TOP_P,
            "seed": material.seed,
            "truncated_prompts": yardstick.truncated_prompts,
        },
        "statistics": {
            "interval": "paired bootstrap over documents or items, widened for few of them; not corrected",
            "test": "paired sign-flip test, two-sided",
            "correction": "Holm-Bonferroni over all secondary metrics and tasks",
            "effect_size": "Cohen's d_z of the paired differences",
            "confidence": CONFIDENCE,
            "resamples": RESAMPLES,
            "seed": material.seed,
        },
        "documents": [
            {
                "source": origin.source,
                "index": origin.index,
                "task": origin.task,
                "overlaps": position in overlaps.documents,
            }
            | _scores(base.held_out[position], tuned.held_out[position])
            for position, origin in enumerate(material.held_out)
        ],
    }
    rounded: dict[str, Any] = _rounded(result | details)
    return rounded


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return asdict(comparison) | {"interval": list(comparison.interval)}


def _judged(compared: Compared) -> dict[str, Any]:
    return _comparison(compared.comparison) | {
        "p_adjusted": compared.p_adjusted,
        "finding": compared.finding,
    }


def _metric(metric: Metric, items: Items, compared: Compared, max_forgetting: float) -> dict[str, Any]:
    about = {name: getattr(metric, name) for name in ("name", "title", "about", "unit", "better", "role")}
    limit = {"limit": max_forgetting} if metric.role == GUARD else {}
    counts = {
        "asked": len(items.asked),
        "available": items.available,
        "left_out": len(items.asked) - compared.comparison.items,
    }
    return about | limit | _judged(compared) | counts


def _values(compared: Compared) -> dict[str, Any]:
    values = asdict(compared.values)
    if set(values["sizes"]) == {1.0}:
        del values["sizes"]
    return values


def _contamination(
    yardstick: Yardstick, base: Measurement, tuned: Measurement, overlaps: Overlaps
) -> dict[str, Any]:
    material = yardstick.material
    (primary,) = (metric for metric in yardstick.metrics if metric.role == PRIMARY)
    everything = compare_all(
        [primary],
        yardstick.items,
        base.answers,
        tuned.answers,
        overlaps=Overlaps(),
        tasks=[""] * len(material.held_out),
        seed=material.seed,
    )
    asked = yardstick.item_texts
    named = {
        f"{material.held_out[position].source}:{material.held_out[position].index + 1}": words
        for position, words in overlaps.documents.items()
    }
    return {
        "words": WORDS,
        "documents": len(material.held_out),
        "overlapping_documents": len(overlaps.documents),
        "items": len(asked),
        "overlapping_items": len(overlaps.items),
        "examples": [
            {"id": name, "words": words}
            for shared in (named, overlaps.items)
            for name, words in list(shared.items())[:EXAMPLES]
        ],
        "all_documents": _comparison(everything.metrics[primary.name].comparison),
    }


def _sample(prompt: str, base: Answers, tuned: Answers) -> dict[str, Any]:
    greedy, sampled = (written(prompt, sampled=way) for way in (False, True))
    return {"prompt": prompt} | {
        name: {"greedy": answers.texts[greedy], "sampled": answers.texts[sampled]}
        for name, answers in (("base", base), ("tuned", tuned))
    }


def _questions(
    metrics: Sequence[Metric], items: dict[str, Items], outcome: Outcome, base: Answers, tuned: Answers
) -> list[dict[str, Any]]:
    """The first questions of each metric, not chosen by how they were answered; each question once."""
    shown: dict[str, dict[str, Any]] = {}
    for metric in metrics:
        asked = [item for item in items[metric.name].asked if item.question and item.id not in shown]
        for item in asked[:EXAMPLES] if metric.name in outcome.metrics else ():
            assert item.question is not None
            right = "; ".join(item.question.answers)
            shown[item.id] = {
                "metric": metric.name,
                "id": item.id,
                "question": item.question.question,
                "right": f"{right} {item.question.scale}".strip(),
                "base": _given(item, base),
                "tuned": _given(item, tuned),
            }
    return list(shown.values())


def _given(item: Item, answers: Answers) -> str:
    assert item.question is not None
    if item.question.choices:
        return item.question.choices[picked(item, answers)]
    return "; ".join(answers.texts[ask] for ask in item.asks if isinstance(ask, Prompt))


def _scores(base: Score, tuned: Score) -> dict[str, Any]:
    return {
        "bytes": base.bytes,
        "tokens": base.tokens,
        "base": base.bits_per_byte,
        "tuned": tuned.bits_per_byte,
        "base_perplexity": perplexity([base]),
        "tuned_perplexity": perplexity([tuned]),
    }


def _rounded(value: Any) -> Any:
    """Figures to six significant digits: more would be noise, and would hide that."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
