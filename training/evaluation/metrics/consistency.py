"""How far a model's labels rest on the wording of the task, and on what it says of any sentence."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from core.names import Figure
from training.evaluation.asks import Answers, Continuation
from training.evaluation.metrics.base import Item, Items, Material, Metric
from training.evaluation.metrics.choice import LABELS, WORDINGS, choice_item, sentences

#: Stands in for a sentence that says nothing.
CONTENT_FREE = "N/A"
#: Each further wording takes as long as all labels of these.
MOST_REWORDED = 60


class SameLabel(Metric):
    """Agreement of the labels that a sentence gets in several wordings of the task, beyond chance.

    It is 1 if each wording gives a sentence the same label, and 0 if that happens no more often than it would
    by how often each wording gives each label. A model that gives every sentence one label agrees with itself
    whatever it reads, so it has no figure.
    """

    name = Figure.SENTIMENT_CONSISTENCY
    title = "Same label in other words"
    about = (
        f"How far the first {MOST_REWORDED} sentences asked get the same likeliest label in {len(WORDINGS)}"
        " wordings of the task, right or not: 0 is what the frequency of the labels gives by chance, 1 is"
        " always."
    )
    unit = "share beyond chance"

    def items(self, material: Material) -> Items:
        """A sentence, and one that says nothing, in each wording with each label."""
        among = sentences()
        asked = (
            replace(
                choice_item(question, ""),
                asks=tuple(
                    ask
                    for text in (question.question, CONTENT_FREE)
                    for wording in WORDINGS
                    for ask in _label_asks(wording, text)
                ),
            )
            for question in material.choose(among)[:MOST_REWORDED]
        )
        return Items(
            tuple(asked), len(among), unmeasured="the base or the tuned model gives every sentence one label"
        )

    def values(self, items: Sequence[Item], answers: Answers) -> list[float | None]:
        """Each sentence's part of the agreement of all; None if all sentences have one label."""
        texts = [item.its_question.question for item in items]
        given = {text: [_likeliest(label_nats(way, text, answers)) for way in WORDINGS] for text in texts}
        parts = agreement_parts(given)
        return [parts.get(text) for text in texts]


def agreement_parts(given: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """Each text's part of how far raters agree beyond chance; empty if chance alone makes them agree.

    ``given`` has each rater's label of each text. The mean of the parts is the kappa of several raters
    (A. Conger, "Integration and generalization of kappas for multiple raters", 1980). A part is kappa and the
    text's linear influence on it, so that intervals over texts allow for the frequencies being estimates too.
    """
    raters = list(zip(*given.values(), strict=True))
    pairs = list(combinations(range(len(raters)), 2))
    often = [{label: count / len(given) for label, count in Counter(rater).items()} for rater in raters]
    chance = [sum(share * often[b].get(label, 0.0) for label, share in often[a].items()) for a, b in pairs]
    room = 1 - sum(chance) / len(chance) if chance else 0.0
    if math.isclose(room, 0.0, abs_tol=1e-9):
        return {}
    agreeing, differing = {}, {}
    for text, labels in given.items():
        agreeing[text] = sum(labels[a] == labels[b] for a, b in pairs) / len(pairs)
        expected = [
            often[b].get(labels[a], 0.0) + often[a].get(labels[b], 0.0) - by_chance
            for (a, b), by_chance in zip(pairs, chance, strict=True)
        ]
        differing[text] = 1 - sum(expected) / len(pairs)
    kappa = 1 - (1 - sum(agreeing.values()) / len(given)) / room
    return {text: kappa + (agreeing[text] - 1 + (1 - kappa) * differing[text]) / room for text in given}


def wordings(items: Sequence[Item], answers: Answers) -> dict[str, Any]:
    """How far the figure of sentiment rests on the wording, and on what a model says of any text.

    ``wordings``: the share that is right in each of `WORDINGS`. ``prior``: the probability of each label
    after a text that says nothing. ``calibrated``: the share that is right in the first wording once that is
    taken out (contextual calibration: Z. Zhao et al., "Calibrate Before Use", 2021).
    """
    prior = label_nats(WORDINGS[0], CONTENT_FREE, answers)
    right = [0] * len(WORDINGS)
    calibrated = 0
    for item in items:
        found = [label_nats(way, item.its_question.question, answers) for way in WORDINGS]
        for place, nats in enumerate(found):
            right[place] += _likeliest(nats) == item.its_question.right
        beyond = [here - before for here, before in zip(found[0], prior, strict=True)]
        calibrated += _likeliest(beyond) == item.its_question.right
    weights = [math.exp(min(prior) - each) for each in prior]
    return {
        "wordings": [count / len(items) for count in right],
        "prior": {label: weight / sum(weights) for label, weight in zip(LABELS, weights, strict=True)},
        "calibrated": calibrated / len(items),
    }


def label_nats(wording: str, text: str, answers: Answers) -> list[float]:
    """How surprised a model is by each of `LABELS` after a text in a wording."""
    return [answers.scores[ask].nats for ask in _label_asks(wording, text)]


def _label_asks(wording: str, text: str) -> tuple[Continuation, ...]:
    return tuple(Continuation(wording.format(text), f" {label}") for label in LABELS)


def _likeliest(nats: Sequence[float]) -> int:
    return min(range(len(nats)), key=lambda place: nats[place])
