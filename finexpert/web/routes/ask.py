"""Ask: what may be asked, and both models' answers while they are written."""

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any

from finexpert.service.asking import answerers, chat, examples, history, inference
from finexpert.service.asking.chat import Conversation, Turn
from finexpert.service.asking.inference import Answer
from finexpert.service.endpoint import switch
from finexpert.web.context import Context
from finexpert.web.http import NDJSON, Request, Response, answer, bad_input, encoded, finite, too_large
from finexpert.web.problems import problem_of

#: Between two pieces of the same answer: a page shows at most twenty updates a second.
PACE_SECONDS = 0.05

Event = dict[str, Any]


@dataclass(frozen=True)
class Bounds:
    """A parameter's range, ends included, and its value where none is sent."""

    default: float
    min: float
    max: float

    def read(self, name: str, value: Any) -> float:
        """The value, whole where the default is.

        Raises:
            Problem: it is no number or lies outside.
        """
        number, whole = finite(value), isinstance(self.default, int)
        if number is None or not self.min <= number <= self.max or (whole and not number.is_integer()):
            kind = "a whole number" if whole else "a number"
            raise bad_input(f"{name} must be {kind} from {self.min:g} to {self.max:g}.", where=name)
        return int(number) if whole else number


def parameters(context: Context) -> dict[str, Bounds]:
    """The generation parameters that may be set. A temperature of 0 takes the likeliest token each time."""
    return {
        "max_new_tokens": Bounds(64, 1, min(context.limits.new_tokens, context_tokens(context) - 1)),
        "temperature": Bounds(0.0, 0.0, 2.0),
        "top_p": Bounds(1.0, 0.05, 1.0),
        "seed": Bounds(10, 0, 2**31 - 1),
    }


def context_tokens(context: Context) -> int:
    """The model's limit of tokens for question and answer together."""
    base = context.sums.get("base", lambda: answerers.base_model(context.deployment))
    return base.context_tokens


def session(request: Request, context: Context) -> Response:
    """The cloud that this page acts on, and the limits of a question."""
    deployment, limits = context.deployment, context.limits
    target = deployment.target
    return answer(
        {
            "on": {
                "kind": "local" if target.is_local else "aws",
                "description": target.describe(),
                "region": deployment.settings.region,
            },
            "project": deployment.settings.prefix,
            "models": list(switch.models(deployment)),
            "parameters": {name: vars(bounds) for name, bounds in parameters(context).items()},
            "limits": {
                "prompt_characters": limits.prompt_characters,
                "upload_bytes": limits.upload_bytes,
                "context_tokens": context_tokens(context),
            },
            "can": {"stream": context.streams, "compare": context.compares},
        }
    )


def prompts(request: Request, context: Context) -> Response:
    """Examples to ask: beginnings of text that the newest run was not trained on."""
    found = context.sums.get("examples", lambda: examples.of_newest_run(context.deployment))
    return answer({"prompts": found.prompts, "from": found.source})


def ask(request: Request, context: Context) -> Response:
    """Both models' answers to a prompt, one event a line. In a thread, they know what was said before."""
    document = request.document()
    prompt = document.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise bad_input("There is no question.", where="prompt")
    if len(prompt) > context.limits.prompt_characters:
        most = context.limits.prompt_characters
        raise too_large(
            f"The question has {len(prompt):,} characters; at most {most:,} are taken.", fix="Shorten it."
        )
    chosen = generation(document.get("parameters", {}), context)
    events = _events(context, prompt, _earlier(request, context, document), chosen)
    first = next(events)  # a failure before the first word sets the status
    return Response(body=_lines(first, events), content_type=NDJSON)


def _earlier(request: Request, context: Context, document: Mapping[str, Any]) -> list[Turn]:
    """The earlier turns of the thread, up to the one that is asked again."""
    name, until = document.get("thread"), document.get("turns")
    if name is None:
        return []
    if not isinstance(name, str) or not isinstance(until, int):
        raise bad_input("A thread has an id and a number of turns.", where="thread")
    turns = history.thread(context.history(request.user), name)["turns"][: max(0, until)]
    return [
        Turn(
            turn["prompt"], {each["model"]: each["text"] for each in turn["answers"] if each["text"].strip()}
        )
        for turn in turns
    ]


def generation(asked: Any, context: Context) -> dict[str, Any]:
    """The endpoint's parameters from those of the page.

    Raises:
        Problem: one is unknown or cannot be used.
    """
    known = parameters(context)
    if not isinstance(asked, Mapping) or asked.keys() - known.keys():
        raise bad_input(f"The parameters may be: {', '.join(known)}.", where="parameters")
    values = {name: bounds.read(name, asked.get(name, bounds.default)) for name, bounds in known.items()}
    return inference.generation(
        int(values["max_new_tokens"]), values["temperature"], int(values["seed"]), values["top_p"]
    )


def _lines(first: Event, rest: Generator[Event]) -> Iterator[bytes]:
    with closing(rest):
        yield encoded(first) + b"\n"
        for event in rest:
            yield encoded(event) + b"\n"


class _Left(Exception):
    """The reader has left."""


@dataclass
class _Exchange:
    """Passes answers from the threads that read them to the one that sends them."""

    texts: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    forgotten: int = 0
    error: Exception | None = None
    ended: bool = False
    left: bool = False
    changed: Condition = field(default_factory=Condition)

    def on_text(self, model: str, text: str) -> None:
        """Called by a model's thread with its text so far; only the newest text of each model is kept."""
        with self.changed:
            if self.left:
                raise _Left
            self.texts[model] = text
            self.changed.notify()

    def run(self, context: Context, prompt: str, turns: Sequence[Turn], chosen: Mapping[str, Any]) -> None:
        """Ask the models and wait for their whole answers."""
        try:
            template = None
            if context.compares:
                template = context.sums.get("template", lambda: chat.base_template(context.deployment))
            talk = Conversation(tuple(switch.models(context.deployment)), turns=list(turns), write=template)
            self.answers = chat.say(context.deployment, talk, prompt, chosen, on_text=self.on_text)
            self.forgotten = talk.forgotten
        except Exception as error:
            self.error = error
        with self.changed:
            self.ended = True
            self.changed.notify()

    def next_texts(self) -> dict[str, str]:
        """Wait for new texts; empty at the end."""
        with self.changed:
            self.changed.wait_for(lambda: self.texts or self.ended)
            texts, self.texts = self.texts, {}
            return texts


def _events(
    context: Context, prompt: str, turns: Sequence[Turn], chosen: Mapping[str, Any]
) -> Generator[Event]:
    """The answer as events. When the reader leaves, the models stop with the next piece.

    Raises:
        Exception: what asking raised before the first piece.
    """
    exchange = _Exchange()
    Thread(target=exchange.run, args=(context, prompt, turns, chosen), daemon=True).start()
    begun = False
    try:
        while texts := exchange.next_texts():
            if context.streams:
                begun = True
                yield from ({"event": "text", "model": name, "text": text} for name, text in texts.items())
                time.sleep(PACE_SECONDS)
    finally:
        exchange.left = True
    if exchange.error is not None:
        if not begun:
            raise exchange.error
        yield {"event": "error", "error": problem_of(exchange.error).document()}
    for each in exchange.answers:
        answered = {"model": each.model, "text": each.text, "seconds": each.seconds, "cut": each.cut}
        yield {"event": "answer", **answered}
    yield {"event": "end", "forgotten": exchange.forgotten}
