"""A conversation with the live endpoint: each model goes on from a text that holds what was said before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from finexpert.service.asking import inference
from finexpert.service.asking.inference import Answer, Heard
from finexpert.service.deployment import Deployment

BETWEEN = "\n\n"
"""Between two turns: the models go on from plain text, where an empty line begins a new paragraph."""

_TOO_LONG = range(400, 500)
"""What containers answer to a prompt that does not fit: 422 from ours, 400 or 413 from others."""


@dataclass(frozen=True)
class Turn:
    """What was said, and each model's answer to it by its name."""

    said: str
    answers: Mapping[str, str]


@dataclass
class Conversation:
    """What was said so far, and to whom the next is addressed.

    Args:
        models: that there are.
        addressed: those of them that answer next.
        forgotten: turns at the beginning that no longer fit into the models' context.
    """

    models: tuple[str, ...]
    addressed: tuple[str, ...] = ()
    turns: list[Turn] = field(default_factory=list)
    forgotten: int = 0

    def __post_init__(self) -> None:
        self.addressed = self.addressed or self.models

    def address(self, name: str) -> bool:
        """Turn to one model, or to `both`; False if there is none of that name."""
        if name == "both":
            self.addressed = self.models
        elif name in self.models:
            self.addressed = (name,)
        else:
            return False
        return True

    def clear(self) -> None:
        """Begin anew; who is addressed stays."""
        self.turns.clear()
        self.forgotten = 0

    def prompts(self, said: str) -> dict[str, str]:
        """The text that each addressed model goes on from: its own side of the conversation, then `said`."""
        return {
            model: BETWEEN.join(
                [
                    f"{turn.said} {turn.answers[model].strip()}"
                    for turn in self.turns[self.forgotten :]
                    if model in turn.answers
                ]
                + [said]
            )
            for model in self.addressed
        }

    def forget_one(self) -> bool:
        """Leave out the oldest turn that is still in; False if none is."""
        if self.forgotten >= len(self.turns):
            return False
        self.forgotten += 1
        return True


def say(
    deployment: Deployment,
    conversation: Conversation,
    said: str,
    parameters: Mapping[str, Any],
    *,
    heard: Heard,
) -> list[Answer]:
    """Add a turn and answer what was answered. Where the text no longer fits, its oldest turns are left out.

    Raises:
        UserError: Hosting is not awake.
        botocore.exceptions.ClientError: the endpoint refused for another reason, or even what was said alone.
    """
    from botocore.exceptions import ClientError

    while True:
        try:
            answers = inference.ask(deployment, conversation.prompts(said), parameters, heard=heard)
        except ClientError as error:
            if error.response.get("OriginalStatusCode") in _TOO_LONG and conversation.forget_one():
                continue
            raise
        conversation.turns.append(Turn(said, {answer.model: answer.text for answer in answers}))
        return answers
