"""A conversation with the live endpoint: each model goes on from a text that holds what was said before.

The text is written with the base's chat template where it has one. Others go on from plain paragraphs.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.aws.s3 import sizes
from core.failures import TrainingFailure
from core.marks import as_text
from finexpert.service.asking import inference
from finexpert.service.asking.inference import Answer, OnText
from finexpert.service.deployment import Deployment, base_place
from finexpert.service.endpoint import switch

Write = Callable[[Sequence[tuple[str, str]]], str | None]
"""Writes (role, content) pairs as the text that a model goes on from; None where it cannot."""

_SMALL = 64 << 20
"""Bytes of the largest file of a base that is read for its template: a tokenizer, never weights."""

BETWEEN = "\n\n"
"""Between two turns: the models go on from plain text, where an empty line begins a new paragraph."""


@dataclass(frozen=True)
class Turn:
    """One prompt, and each model's answer to it by the model's name."""

    said: str
    answers: Mapping[str, str]


@dataclass
class Conversation:
    """The turns so far, and the model that the next one is addressed to.

    Args:
        models: that there are.
        addressed: those of them that answer next.
        forgotten: turns at the beginning that no longer fit into the models' context.
        write: the base's chat template; None for plain paragraphs.
    """

    models: tuple[str, ...]
    addressed: tuple[str, ...] = ()
    turns: list[Turn] = field(default_factory=list)
    forgotten: int = 0
    write: Write | None = None

    def __post_init__(self) -> None:
        self.addressed = self.addressed or self.models

    def address(self, name: str) -> bool:
        """Address one model, or `both`; returns False if there is none of that name."""
        if name == "both":
            self.addressed = self.models
        elif name in self.models:
            self.addressed = (name,)
        else:
            return False
        return True

    def clear(self) -> None:
        """Forget all turns; the addressed model stays."""
        self.turns.clear()
        self.forgotten = 0

    def prompts(self, said: str) -> dict[str, str]:
        """The text that each addressed model goes on from: its own side of the conversation, then `said`."""
        return {model: self._prompt(model, said) for model in self.addressed}

    def _prompt(self, model: str, said: str) -> str:
        before = [
            (turn.said, turn.answers[model].strip())
            for turn in self.turns[self.forgotten :]
            if model in turn.answers
        ]
        if self.write:
            dialog = [pair for turn in before for pair in zip(("user", "assistant"), turn, strict=True)]
            written = self.write([*dialog, ("user", said)])
            if written is not None:
                return written
        return as_text(BETWEEN.join([*(f"{asked} {answer}" for asked, answer in before), said]))

    def forget_one(self) -> bool:
        """Leave out the oldest turn that is still in; False if none is."""
        if self.forgotten >= len(self.turns):
            return False
        self.forgotten += 1
        return True


def begin(deployment: Deployment) -> Conversation:
    """A conversation with all models that the endpoint serves, in the form that their base wants."""
    return Conversation(tuple(switch.models(deployment)), write=base_template(deployment))


def base_template(deployment: Deployment) -> Write | None:
    """The chat template beside the base's weights; None without one, and where the files cannot be read."""
    from botocore.exceptions import ClientError

    if not deployment.settings.own_weights:  # JumpStart's can be read by SageMaker alone
        return None
    place, s3 = base_place(deployment), deployment.target.client("s3")
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name, count in sizes(s3, place).items():
                if count <= _SMALL and name.endswith((".json", ".jinja", ".model")) and "/" not in name:
                    body = s3.get_object(Bucket=place.bucket, Key=f"{place.key}{name}")["Body"]
                    Path(folder, name).write_bytes(body.read())
        except ClientError:
            return None
        return _template(Path(folder))


def _template(folder: Path) -> Write | None:
    try:
        from training.data.chat import ChatTemplate
        from training.data.tokenizer import load_tokenizer

        template = ChatTemplate.beside(folder)
        tokenizer = load_tokenizer(folder) if template else None
    except (TrainingFailure, ValueError, ImportError):
        return None
    if template is None or tokenizer is None:
        return None
    special = tokenizer.special
    start = "".join(text for number in tokenizer.start for text, of in special.items() if of == number)

    def write(dialog: Sequence[tuple[str, str]]) -> str | None:
        written = template.prompt(dialog, list(special))
        # The endpoint's tokenizer puts its start mark before every text.
        return written.removeprefix(start) if written is not None else None

    return write


def say(
    deployment: Deployment,
    conversation: Conversation,
    said: str,
    parameters: Mapping[str, Any],
    *,
    on_text: OnText = lambda model, text: None,
) -> list[Answer]:
    """Append a turn, ask the models for their replies, and return them.

    Where the conversation no longer fits into their context, its oldest turns are left out.

    Raises:
        UserError: Hosting is not awake.
        botocore.exceptions.ClientError: the endpoint refused for another reason, or even what was said alone.
    """
    from botocore.exceptions import ClientError

    while True:
        try:
            answers = inference.ask(deployment, conversation.prompts(said), parameters, on_text=on_text)
        except ClientError as error:
            if error.response.get("OriginalStatusCode") in inference.TOO_LONG and conversation.forget_one():
                continue
            raise
        conversation.turns.append(Turn(said, {answer.model: answer.text for answer in answers}))
        return answers
