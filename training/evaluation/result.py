"""The content of evaluation.json, from both models' answers to the same material."""

from dataclasses import asdict, replace
from typing import Any

from core.names import EVALUATION_VERSION
from training.evaluation import asks
from training.evaluation.asks import Answers
from training.evaluation.comparisons import WORSE, Compared, Outcome, compare_all
from training.evaluation.contamination import WORDS, Overlaps
from training.evaluation.gate import PromptEvidence, judge, verdict
from training.evaluation.measure import Measurement, Yardstick, item_texts
from training.evaluation.metrics.base import GUARD, PRIMARY, SECONDARY, Material
from training.evaluation.metrics.generations import Degeneration, Repetition, written
from training.evaluation.metrics.text import PromptGain, document_id
from training.evaluation.scores import Score, perplexity
from training.evaluation.sections import EXAMPLES, comparison, judged, rounded, sections
from training.evaluation.statistics import CONFIDENCE, RESAMPLES

BROKEN, REPETITION = Degeneration.name, Repetition.name
#: Held-out documents whose continuations are shown.
SHOWN = 3
#: A rise of broken or repeated writing by so much is reported, shown or not: continuations are few.
MUCH_MORE = 0.1


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
    material, metrics = yardstick.material, yardstick.metrics
    judged_on = set(material.held_out)
    outcome = compare_all(
        metrics,
        yardstick.items,
        base.answers,
        tuned.answers,
        overlaps=overlaps,
        tasks=[origin.task for origin in material.held_out],
        seed=material.seed,
    )
    primary = next(outcome.metrics[metric.name] for metric in metrics if metric.role == PRIMARY)
    guard = next(outcome.metrics[metric.name] for metric in metrics if metric.role == GUARD)
    broken = outcome.metrics.get(BROKEN)
    rules = judge(
        primary.comparison,
        guard.comparison,
        max_forgetting,
        prompts=_prompts(outcome, material, yardstick.prompted),
        broken=None if broken is None else broken.comparison,
    )
    passed = all(rule.passed for rule in rules)
    caveats = concerns(outcome)
    measured = sections(outcome, max_forgetting=max_forgetting)
    result = {
        "schema_version": EVALUATION_VERSION,
        "passed": passed,
        "primary": {"metric": primary.name} | comparison(primary.comparison),
        "verdict": verdict(
            primary.comparison, rules, what="answers" if yardstick.prompted else "text", caveats=caveats
        ),
        "caveats": caveats if passed else [],
        "gate": [asdict(rule) for rule in rules],
        **measured,
        "tasks": [{"task": part.name} | judged(part) for part in outcome.tasks],
        "contamination": _contamination(yardstick, base, tuned, overlaps),
        "perplexity": {"base": perplexity(base.held_out), "tuned": perplexity(tuned.held_out)},
        "examples": [
            _example(opening, overlaps, base.answers, tuned.answers) for opening in material.openings[:SHOWN]
        ],
        "samples": [_sample(prompt, overlaps, base.answers, tuned.answers) for prompt in material.prompts],
        "generation": {
            "max_new_tokens": asks.NEW_TOKENS,
            "temperature": asks.TEMPERATURE,
            "top_p": asks.TOP_P,
            "seed": material.seed,
            "truncated_prompts": yardstick.truncated_prompts,
        },
        "statistics": {
            "interval": "paired bootstrap over documents, items or groups of them, widened for few; Tango's"
            " score interval for right and wrong answers; not corrected",
            "test": "paired sign-flip test over the same units, two-sided; exact for few",
            "groups": _grouping(primary),
            "exchanged_prompts": len(material.exchanged),
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
                "judged": origin in judged_on,
                "overlaps": document_id(origin) in overlaps.documents,
            }
            | _scores(base.held_out[position], tuned.held_out[position])
            for position, origin in enumerate(yardstick.held_out)
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
    judged_on = {document_id(origin) for origin in material.held_out}
    left_out = {name: words for name, words in overlaps.documents.items() if name in judged_on}
    return {
        "words": WORDS,
        "documents": len(material.held_out),
        "overlapping_documents": len(left_out),
        "shortened_documents": len(overlaps.stretches.keys() & judged_on),
        "items": len(item_texts(material, yardstick.metrics)),
        "overlapping_items": len(overlaps.items),
        "examples": [
            {"id": name, "words": words}
            for shared in (left_out, overlaps.items)
            for name, words in list(shared.items())[:EXAMPLES]
        ],
        "all_documents": comparison(everything.metrics[primary.name].comparison),
    }


def _prompts(outcome: Outcome, material: Material, prompted: bool) -> PromptEvidence | None:
    """Evidence that answers follow from their prompts; None where the held-out documents have none."""
    if not prompted:
        return None
    gain = outcome.metrics.get(PromptGain.name)
    if gain is None:
        return PromptEvidence()
    alone = replace(gain.values, base=(0.0,) * len(gain.values.ids))
    tuned = alone.compare(lower_is_better=False, bounded=False, seed=material.seed)
    return PromptEvidence(gain.comparison, tuned)


def concerns(outcome: Outcome) -> list[str]:
    """The metrics that are shown to be worse, and writing that broke down or repeats itself more."""
    found = []
    for metric in outcome.of:
        compared = outcome.metrics.get(metric.name)
        if compared is None or metric.role != SECONDARY:
            continue
        figures = compared.comparison
        if metric.name in (BROKEN, REPETITION):
            if figures.tuned - figures.base >= MUCH_MORE:
                what = "is broken" if metric.name == BROKEN else "repeats itself"
                found.append(
                    f"{figures.tuned:.0%} of what it writes {what} (the base model: {figures.base:.0%})"
                )
        elif compared.finding == WORSE:
            found.append(f"it got worse at “{metric.title}” ({figures.base:.0%} → {figures.tuned:.0%})")
    return found


def _grouping(primary: Compared) -> str:
    comparison = primary.comparison
    if comparison.groups is None:
        return f"{comparison.items} documents, each counted singly"
    return f"{comparison.items} documents in {comparison.groups} groups"


def _sample(prompt: str, overlaps: Overlaps, base: Answers, tuned: Answers) -> dict[str, Any]:
    greedy, sampled = (written(prompt, sampled=way) for way in (False, True))
    return _shown(prompt, overlaps) | {
        name: {"greedy": answers.texts[greedy], "sampled": answers.texts[sampled]}
        for name, answers in (("base", base), ("tuned", tuned))
    }


def _example(opening: str, overlaps: Overlaps, base: Answers, tuned: Answers) -> dict[str, Any]:
    """The beginning of a held-out document, and how each model continues it."""
    asked = written(opening, sampled=False)
    return _shown(opening, overlaps) | {"base": base.texts[asked], "tuned": tuned.texts[asked]}


def _shown(prompt: str, overlaps: Overlaps) -> dict[str, Any]:
    return {"prompt": prompt, "training_documents": overlaps.openings.get(prompt, 0)}


def _scores(base: Score, tuned: Score) -> dict[str, Any]:
    return {
        "bytes": base.bytes,
        "tokens": base.tokens,
        "base": base.bits_per_byte,
        "tuned": tuned.bits_per_byte,
        "base_perplexity": perplexity([base]),
        "tuned_perplexity": perplexity([tuned]),
    }
