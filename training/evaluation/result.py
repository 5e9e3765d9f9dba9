"""The outcome: what evaluation.json holds, from what both models made of the same material."""

from dataclasses import asdict
from typing import Any

from core.names import EVALUATION_VERSION
from training.evaluation import asks
from training.evaluation.asks import Answers
from training.evaluation.comparisons import compare_all
from training.evaluation.contamination import WORDS, Overlaps
from training.evaluation.gate import judge, verdict
from training.evaluation.measure import Measurement, Yardstick
from training.evaluation.metrics.base import GUARD, PRIMARY
from training.evaluation.metrics.generations import written
from training.evaluation.scores import Score, perplexity
from training.evaluation.sections import EXAMPLES, comparison, judged, rounded, sections
from training.evaluation.statistics import CONFIDENCE, RESAMPLES


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
    measured = sections(metrics, items, outcome, base.answers, tuned.answers, max_forgetting=max_forgetting)
    result = {
        "schema_version": EVALUATION_VERSION,
        "passed": all(rule.passed for rule in rules),
        "primary": {"metric": primary.name} | comparison(primary.comparison),
        "verdict": verdict(primary.comparison, rules),
        "gate": [asdict(rule) for rule in rules],
        **measured,
        "tasks": [{"task": part.name} | judged(part) for part in outcome.tasks],
        "contamination": _contamination(yardstick, base, tuned, overlaps),
        "perplexity": {"base": perplexity(base.held_out), "tuned": perplexity(tuned.held_out)},
        "samples": [_sample(prompt, base.answers, tuned.answers) for prompt in material.prompts],
        "generation": {
            "max_new_tokens": asks.NEW_TOKENS,
            "temperature": asks.TEMPERATURE,
            "top_p": asks.TOP_P,
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
    whole: dict[str, Any] = rounded(result | details)
    return whole


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
        "all_documents": comparison(everything.metrics[primary.name].comparison),
    }


def _sample(prompt: str, base: Answers, tuned: Answers) -> dict[str, Any]:
    greedy, sampled = (written(prompt, sampled=way) for way in (False, True))
    return {"prompt": prompt} | {
        name: {"greedy": answers.texts[greedy], "sampled": answers.texts[sampled]}
        for name, answers in (("base", base), ("tuned", tuned))
    }


def _scores(base: Score, tuned: Score) -> dict[str, Any]:
    return {
        "bytes": base.bytes,
        "tokens": base.tokens,
        "base": base.bits_per_byte,
        "tuned": tuned.bits_per_byte,
        "base_perplexity": perplexity([base]),
        "tuned_perplexity": perplexity([tuned]),
    }
