"""The bases that the demo can tune, and with which settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from finexpert import paths
from finexpert.errors import UsageError
from finexpert.service.runs import smollm2


@dataclass(frozen=True)
class DemoBase:
    """A base model on this machine.

    Args:
        folder: returns where its files are, for a state folder and a function that is called with what takes
            its time.
        hyperparameters: of a run on it, in place of those in localcloud/settings.json.
        answer_tokens: length of its answers in the demo.
        question: asked in a turn of chat; empty for a base whose sentences mean nothing.
    """

    folder: Callable[[Path, Callable[[str], None]], Path]
    hyperparameters: Mapping[str, str]
    answer_tokens: int
    question: str


BASES = {
    "tiny": DemoBase(lambda *_: paths.BASE_MODEL, {}, 32, question=""),
    "smollm2": DemoBase(
        smollm2.checkpoint,
        {
            "learning_rate": "0.001",
            "epoch": "1",
            "max_input_length": "512",
            "evaluation_items": "8",
        },
        48,
        question="Why can a profitable company run out of cash?",
    ),
}


def find(name: str) -> DemoBase:
    """The base of that name.

    Raises:
        UserError: there is none.
    """
    if name not in BASES:
        raise UsageError(f"There is no base {name!r}.", fix=f"Choose one of: {', '.join(BASES)}.")
    return BASES[name]
