"""The gate: whether the tuned model is accepted, and the reason in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.evaluation.statistics import FEWEST_DOCUMENTS, SIGNIFICANCE, Comparison, interval_between

#: Share of the base's bits that must at least be saved: a real gain is several percent, and less than one
#: comes to a small base from any text of the same language.
LEAST_GAIN = 0.01


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition of the gate, in words that name the figures."""

    name: str
    passed: bool
    sentence: str


def judge(primary: Comparison, forgetting: Comparison, max_forgetting: float) -> tuple[Rule, ...]:
    """The gate: every rule must pass. Both are in bits a byte, lower is better.

    The primary's whole interval must lie below zero, so seldom by chance as the sign-flip test allows (which
    holds for few documents too), and show a gain that matters. The interval of general text must lie below
    ``max_forgetting``: it must be shown that little was forgotten, not only not be shown that much was. And
    the gain must be shown to exceed that on general text: a base that any text improves, as a small one is,
    has not learnt this kind of text.
    """
    low, high = primary.interval
    below, likely = high < 0, primary.p_value < SIGNIFICANCE
    upper = forgetting.interval[1]
    beyond = interval_between(forgetting, primary)
    return (
        Rule(
            "held_out_text",
            below and likely,
            f"On {primary.items} held-out documents the 95 % interval of the change,"
            f" {low:+.3f} to {high:+.3f} bits a byte, {'lies' if below else 'does not lie'} below zero"
            f" (p = {primary.p_value:.2g}){'.' if below and likely else ': the gain could be chance.'}",
        ),
        Rule(
            "large_enough",
            not below or -high >= LEAST_GAIN * primary.base,  # without a gain the rule above speaks
            f"The gain is at least {max(-high, 0) / primary.base:.1%} by its 95 % interval;"
            f" {LEAST_GAIN:.0%} of the base's bits a byte are wanted.",
        ),
        Rule(
            "enough_documents",
            primary.items >= FEWEST_DOCUMENTS,
            f"{primary.items} documents could be compared; {FEWEST_DOCUMENTS} are needed to judge.",
        ),
        Rule(
            "forgetting",
            upper <= max_forgetting,
            f"General text changed by {forgetting.difference:+.3f} bits a byte, at most {upper:+.3f} by its"
            f" 95 % interval; max_forgetting allows {max_forgetting:+g}.",
        ),
        Rule(
            "beyond_general_text",
            beyond[1] < 0,
            "Beyond general text, held-out text changed by"
            f" {primary.difference - forgetting.difference:+.3f} bits a byte (95 % interval"
            f" {beyond[0]:+.3f} to {beyond[1]:+.3f}), "
            + (
                "so the gain is one on this kind of text."
                if beyond[1] < 0
                else "so any text may gain as much."
            ),
        ),
    )


def verdict(primary: Comparison, rules: Sequence[Rule]) -> str:
    """The result in one sentence for someone who knows no statistics."""
    share = abs(primary.difference) / primary.base
    way = "better" if primary.difference < 0 else "worse"
    change = f"{share:.1%} {way}" if primary.difference else "no change"
    figures = (
        f"{primary.base:.3f} → {primary.tuned:.3f} bits a byte, {change},"
        f" and better on {primary.win_rate:.0%} of {primary.items} documents"
    )
    if all(rule.passed for rule in rules):
        return f"The tuned model understands this kind of text better than the base model ({figures})."
    failed = next(rule for rule in rules if not rule.passed)
    reasons = {
        "held_out_text": "it is not shown to be better on text that it has not seen",
        "large_enough": "the gain is too small to matter",
        "enough_documents": "too few documents were held out to tell",
        "forgetting": "it is not shown to have kept what it knew about general text",
        "beyond_general_text": "it is not shown to have gained more on this kind of text than on any other",
    }
    return f"The tuned model is not accepted: {reasons[failed.name]} ({figures})."
