"""The gate: whether the tuned model is accepted, and the reason in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.dataset.power import FEWEST_DOCUMENTS, LEAST_GAIN
from core.dataset.split import FEWEST_GROUPS
from training.evaluation.statistics import (
    SIGNIFICANCE,
    Comparison,
    interval_between,
)

#: Share of continuations that may be broken, unless the base model's are too.
MOST_BROKEN = 0.5


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition of the gate, in words that name the figures."""

    name: str
    passed: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class PromptEvidence:
    """Evidence that answers follow from their prompts, for data with prompts.

    Attributes:
        change: what the right prompt adds, base against tuned (higher is better), in bits a byte; None where
            no two held-out answers differ.
        tuned: what it adds for the tuned model, compared with nothing.
    """

    change: Comparison | None = None
    tuned: Comparison | None = None


def judge(
    primary: Comparison,
    forgetting: Comparison,
    max_forgetting: float,
    *,
    prompts: PromptEvidence | None = None,
    broken: Comparison | None = None,
) -> tuple[Rule, ...]:
    """The rules of the gate; every one must pass. `primary` and `forgetting` are in bits a byte.

    1. The primary's whole interval lies below zero, and the sign-flip test agrees: the interval holds for
       documents of different length, the test for few documents.
    2. The interval shows a gain that matters.
    3. There are enough documents, and enough groups of them where they come in groups.
    4. The interval of general text lies below `max_forgetting`, a share of the base's figure: it must be
       shown that little was forgotten, not only not be shown that much was.
    5. The gain, as a share of the base's figure, is shown to exceed that on general text. A base that any
       text improves, as a small one is, has not learnt this kind of text.
    6. With `prompts`: the right prompt helps the tuned model, and more than it helped the base, by a gain
       that matters. Shuffled and constant answers teach the form of an answer, which any prompt brings out.
    7. With `broken` (shares of continuations): no more than MOST_BROKEN of what the tuned model writes is
       broken, unless the base model breaks down as often.
    """
    if primary.items == 0:
        sentence = "All held-out documents also stand in the training text, so no figure can be given."
        return (Rule("held_out_text", False, sentence), _enough(primary))
    rules = [_gain(primary), _large_enough(primary), _enough(primary)]
    rules += [_forgetting(forgetting, max_forgetting), _beyond_general_text(primary, forgetting)]
    if prompts is not None:
        rules.append(_follows_prompts(primary, prompts))
    if broken is not None:
        rules.append(_whole_text(broken))
    return tuple(rules)


def _gain(primary: Comparison) -> Rule:
    low, high = primary.interval
    below, likely = high < 0, primary.p_value < SIGNIFICANCE
    return Rule(
        "held_out_text",
        below and likely,
        f"On {_count(primary)} the 95 % interval of the change, {low:+.3f} to {high:+.3f} bits a byte,"
        f" {'lies' if below else 'does not lie'} below zero (p = {primary.p_value:.2g})"
        + ("." if below and likely else ": the gain could be chance."),
    )


def _large_enough(primary: Comparison) -> Rule:
    high = primary.interval[1]
    if high >= 0:  # the first rule says so
        sentence = "No gain is shown, so its size is not judged."
        return Rule("large_enough", True, sentence)
    return Rule(
        "large_enough",
        -high >= LEAST_GAIN * primary.base,
        f"The gain is at least {-high / primary.base:.1%} by its 95 % interval;"
        f" {LEAST_GAIN:.0%} of the base's bits a byte is needed.",
    )


def _enough(primary: Comparison) -> Rule:
    if primary.groups is None:
        what = f"{primary.items} documents could be compared; {FEWEST_DOCUMENTS} are needed to judge."
    else:
        what = (
            f"The {primary.items} documents that could be compared come from {primary.groups} groups;"
            f" {FEWEST_GROUPS} groups are needed to judge."
        )
    return Rule("enough_documents", primary.enough, what)


def _forgetting(forgetting: Comparison, max_forgetting: float) -> Rule:
    change, upper = forgetting.difference / forgetting.base, forgetting.interval[1] / forgetting.base
    return Rule(
        "forgetting",
        upper <= max_forgetting,
        f"General text changed by {change:+.1%} of the base's bits a byte, at most {upper:+.1%} by its 95 %"
        f" interval; up to {max_forgetting:+.1%} is allowed (max_forgetting).",
    )


def _beyond_general_text(primary: Comparison, forgetting: Comparison) -> Rule:
    own, general = _as_share(primary), _as_share(forgetting)
    low, high = interval_between(general, own)
    return Rule(
        "beyond_general_text",
        high < 0,
        f"Beyond general text, held-out text changed by {own.difference - general.difference:+.1%} of the"
        f" base's bits a byte (95 % interval {low:+.1%} to {high:+.1%}), "
        + ("so the gain is specific to this kind of text." if high < 0 else "so any text may gain as much."),
    )


def _follows_prompts(primary: Comparison, prompts: PromptEvidence) -> Rule:
    name = "follows_prompts"
    change, tuned = prompts.change, prompts.tuned
    if change is None or tuned is None:
        return Rule(
            name,
            False,
            "No two held-out answers with prompts differ, so it cannot be shown that answers follow"
            " from them.",
        )
    needed = LEAST_GAIN * (primary.tuned + max(tuned.difference, 0.0))
    low, high = change.interval
    shown = low >= needed and tuned.interval[0] > 0 and change.p_value < SIGNIFICANCE and change.enough
    return Rule(
        name,
        shown,
        f"The right prompt, instead of another document's, saves the tuned model {tuned.difference:.3f} bits"
        f" a byte of an answer and saved the base {change.base:.3f}; the 95 % interval of the change is"
        f" {low:+.3f} to {high:+.3f} on {_count(change)}, and {needed:.3f} is needed"
        + ("." if shown else ": it may have learnt the form of the answers and not the answers."),
    )


def _whole_text(broken: Comparison) -> Rule:
    passed = broken.tuned <= MOST_BROKEN or broken.tuned <= broken.base
    return Rule(
        "whole_text",
        passed,
        f"{broken.tuned:.0%} of the texts that the tuned model writes are empty or go round in circles, of"
        f" the base's {broken.base:.0%}; {MOST_BROKEN:.0%} is allowed"
        + (", or as many as the base's." if broken.base > MOST_BROKEN else "."),
    )


def _count(comparison: Comparison) -> str:
    groups = "" if comparison.groups is None else f" from {comparison.groups} groups"
    return f"{comparison.items} held-out documents{groups}"


def _as_share(comparison: Comparison) -> Comparison:
    """Difference and interval as shares of the base's figure."""
    low, high = comparison.interval
    return replace(
        comparison,
        difference=comparison.difference / comparison.base,
        interval=(low / comparison.base, high / comparison.base),
    )


_REASONS = {
    "held_out_text": "it is not shown to predict unseen text better",
    "large_enough": "the gain is too small to matter",
    "enough_documents": "too few documents were held out to tell",
    "forgetting": "it is not shown to have kept what it knew about general text",
    "beyond_general_text": "it is not shown to have gained more on this kind of text than on any other",
    "follows_prompts": "its answers are not shown to follow from their prompts, only to have the right form",
    "whole_text": "too much of what it writes is empty or goes round in circles",
}


def verdict(
    primary: Comparison, rules: Sequence[Rule], *, what: str = "text", caveats: Sequence[str] = ()
) -> str:
    """The result in one or two sentences for someone who knows no statistics.

    Args:
        what: the kind of text that is predicted: "text", or "answers" where there are prompts.
        caveats: what got worse though every rule holds.
    """
    if primary.items == 0:
        return (
            "The tuned model is not accepted: all held-out documents also stand in the training text, so no"
            " figure can be given. Hold out text that is not in the training data, or give a"
            " validation channel."
        )
    share = abs(primary.difference) / primary.base
    way = "better" if primary.difference < 0 else "worse"
    change = f"{share:.1%} {way}" if primary.difference else "no change"
    figures = (
        f"from {primary.base:.3f} to {primary.tuned:.3f} bits a byte, {change},"
        f" and better on {primary.win_rate:.0%} of {primary.items} documents"
    )
    failed = [rule.name for rule in rules if not rule.passed]
    if failed:  # of too few documents nothing else can be said
        first = "enough_documents" if "enough_documents" in failed else failed[0]
        return f"The tuned model is not accepted: {_REASONS[first]} ({figures})."
    text = f"The tuned model predicts held-out {what} like yours better than the base model ({figures})."
    return f"{text} But {'; '.join(caveats)}." if caveats else text
