"""The outcome: what evaluation.json holds, and whether the tuned model passes the gate."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from training.dataset import Document
from training.evaluation.generation import NEW_TOKENS, TEMPERATURE, TOP_P, repetition
from training.evaluation.measure import Measurement
from training.evaluation.scoring import Score, perplexity
from training.evaluation.statistics import CONFIDENCE, FEWEST_DOCUMENTS, RESAMPLES, Comparison, compare

SCHEMA_VERSION = 1
PRIMARY = "held_out_bits_per_byte"
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition of the gate, in words that name the figures."""

    name: str
    passed: bool
    sentence: str


def judge(primary: Comparison, forgetting: Comparison, max_forgetting: float) -> tuple[Rule, ...]:
    """The gate: every rule must pass. Bits a byte, lower is better."""
    low, high = primary.interval
    interval = f"the 95 % interval of the change, {low:+.3f} to {high:+.3f} bits a byte,"
    rules = [
        Rule(
            "held_out_text",
            primary.interval[1] < 0,
            f"On {primary.documents} held-out documents {interval} "
            + ("lies below zero." if high < 0 else "does not lie below zero: the gain could be chance."),
        ),
        Rule(
            "enough_documents",
            primary.documents >= FEWEST_DOCUMENTS,
            f"{primary.documents} documents were held out; {FEWEST_DOCUMENTS} are needed to judge.",
        ),
        Rule(
            "forgetting",
            forgetting.difference <= max_forgetting,
            f"General text changed by {forgetting.difference:+.3f} bits a byte;"
            f" max_forgetting allows {max_forgetting:+g}.",
        ),
    ]
    return tuple(rules)


def verdict(primary: Comparison, rules: Sequence[Rule]) -> str:
    """The result in one sentence for someone who knows no statistics."""
    share = abs(primary.difference) / primary.base
    way = "better" if primary.difference < 0 else "worse"
    figures = (
        f"{primary.base:.3f} → {primary.tuned:.3f} bits a byte, {share:.1%} {way},"
        f" and better on {primary.win_rate:.0%} of {primary.documents} documents"
    )
    if all(rule.passed for rule in rules):
        return f"The tuned model understands this kind of text better than the base model ({figures})."
    failed = next(rule for rule in rules if not rule.passed)
    reasons = {
        "held_out_text": "it is not shown to be better on text that it has not seen",
        "enough_documents": "too few documents were held out to tell",
        "forgetting": "it lost too much of what it knew about general text",
    }
    return f"The tuned model is not accepted: {reasons[failed.name]} ({figures})."


def assemble(
    *,
    base: Measurement,
    tuned: Measurement,
    documents: Sequence[Document],
    prompts: Sequence[str],
    seed: int,
    max_forgetting: float,
    details: dict[str, Any],
) -> dict[str, Any]:
    """The content of evaluation.json (its schema lies beside this file); ``details`` are further sections."""
    primary = compare(base.held_out, tuned.held_out, seed=seed)
    forgetting = compare(base.general, tuned.general, seed=seed)
    rules = judge(primary, forgetting, max_forgetting)
    passed = all(rule.passed for rule in rules)
    result = {
        "schema_version": SCHEMA_VERSION,
        "passed": passed,
        "primary": {"metric": PRIMARY} | _comparison(primary),
        "verdict": verdict(primary, rules),
        "gate": [asdict(rule) for rule in rules],
        "perplexity": {"base": perplexity(base.held_out), "tuned": perplexity(tuned.held_out)},
        "forgetting": {"metric": "general_bits_per_byte", "limit": max_forgetting} | _comparison(forgetting),
        "repetition": {
            name: {"base": _mean_repetition(before), "tuned": _mean_repetition(after)}
            for name, before, after in (
                ("greedy", base.greedy, tuned.greedy),
                ("sampled", base.sampled, tuned.sampled),
            )
        },
        "samples": [
            {
                "prompt": prompt,
                "base": {"greedy": base.greedy[i], "sampled": base.sampled[i]},
                "tuned": {"greedy": tuned.greedy[i], "sampled": tuned.sampled[i]},
            }
            for i, prompt in enumerate(prompts)
        ],
        "generation": {
            "max_new_tokens": NEW_TOKENS,
            "temperature": TEMPERATURE,
            "top_p": TOP_P,
            "seed": seed,
        },
        "statistics": {
            "interval": "paired bootstrap over documents, widened for few documents",
            "confidence": CONFIDENCE,
            "resamples": RESAMPLES,
            "seed": seed,
        },
        "documents": [
            _document(d, b, t) for d, b, t in zip(documents, base.held_out, tuned.held_out, strict=True)
        ],
    }
    rounded: dict[str, Any] = _rounded(result | details)
    return rounded


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return asdict(comparison) | {"interval": list(comparison.interval)}


def _document(document: Document, base: Score, tuned: Score) -> dict[str, Any]:
    return {
        "source": document.source,
        "index": document.index,
        "bytes": base.bytes,
        "tokens": base.tokens,
        "base": base.bits_per_byte,
        "tuned": tuned.bits_per_byte,
        "base_perplexity": perplexity([base]),
        "tuned_perplexity": perplexity([tuned]),
    }


def _mean_repetition(texts: Sequence[str]) -> float:
    return sum(map(repetition, texts)) / len(texts) if texts else 0.0


def _rounded(value: Any) -> Any:
    """Figures to six significant digits: more would be noise, and would hide that."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
