"""What the metrics of free writing share: the prompts, greedy and sampled, and openings of held-out text."""

from training.evaluation import asks
from training.evaluation.asks import Answers, Prompt
from training.evaluation.metrics.base import Item, Items, Material


def written(prompt: str, *, sampled: bool) -> Prompt:
    """How a prompt that is shown before and after is put to a model."""
    return Prompt(prompt, asks.NEW_TOKENS, sampled=sampled)


def generations(material: Material) -> Items:
    """Every continuation that is looked at for repetition and breakdown."""
    items = [
        Item(f"prompt {number}, {way}", (written(prompt, sampled=sampled),))
        for number, prompt in enumerate(material.prompts, start=1)
        for way, sampled in (("greedy", False), ("sampled", True))
    ]
    items += [
        Item(f"opening {number}", (written(opening, sampled=False),))
        for number, opening in enumerate(material.openings, start=1)
    ]
    return Items(tuple(items), len(items))


def continuation(item: Item, answers: Answers) -> str:
    """What the model wrote."""
    (prompt,) = item.asks
    assert isinstance(prompt, Prompt)
    return answers.texts[prompt]
