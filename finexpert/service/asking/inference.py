"""Ask the live endpoint: all models that it serves at the same time, each answer while it is written."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from typing import Any

from core.endpoint.hosting import HostingState
from core.marks import as_text
from finexpert.errors import Asleep, UserError
from finexpert.service.deployment import Deployment
from finexpert.service.endpoint import switch


@dataclass(frozen=True)
class Answer:
    """One model's answer to a prompt, as it was sent, and the seconds of the round trip.

    `cut`: it ended because it had as many tokens as were asked for.
    """

    model: str
    prompt: str
    text: str
    seconds: float
    cut: bool = False


LENGTH = "length"
"""Why an answer ended that was cut off: the word of LMI and of the local server."""

TOO_LONG = range(400, 500)
"""What containers answer to a prompt that does not fit: 422 from ours, 400 or 413 from others."""

OnText = Callable[[str, str], None]
"""Called with a model's name and its answer so far."""


def generation(max_new_tokens: int, temperature: float, seed: int, top_p: float = 1.0) -> dict[str, Any]:
    """The request's parameters; sampling is on only where the temperature asks for it.

    Every value of the sampling is sent: vLLM takes one that is missing from the model's own
    generation_config.json, where Llama 2 has a top_p of 0.9.
    """
    if temperature <= 0:
        return {"max_new_tokens": max_new_tokens, "do_sample": False}
    sampling = {"do_sample": True, "temperature": temperature, "top_p": top_p, "seed": seed}
    return {"max_new_tokens": max_new_tokens, **sampling}


def require_awake(deployment: Deployment) -> None:
    """Refuse while there is no endpoint to ask.

    Raises:
        NotDeployed: there is no Hosting stack here.
        Asleep: Hosting is not awake, so there is no endpoint.
    """
    state = switch.require_present(deployment).state
    if state is not HostingState.AWAKE:
        raise Asleep(
            f"Hosting is {state}, so there is no endpoint to ask.",
            where=deployment.names.stack("Hosting"),
            fix="Wake it: finexpert wake (on AWS it bills from then on, until it has been idle).",
        )


def ask(
    deployment: Deployment,
    prompt: str | Mapping[str, str],
    parameters: Mapping[str, Any],
    *,
    on_text: OnText = lambda model, text: None,
) -> list[Answer]:
    """The models' answers to a prompt, all at the same time, in the order of `switch.models`.

    When one fails, or the caller is interrupted, the others end where they are.

    Args:
        prompt: for every model, as a person typed it: a model's marks in it become plain text. Or one for
        each model that is to be asked, by its name, which is sent as it is.
        parameters: of the generation: max_new_tokens, temperature, do_sample, seed, top_p.
        on_text: called with each model's answer so far whenever a piece of it arrives, from that model's
        thread.

    Raises:
        Asleep: Hosting is not awake.
        UserError: an answer has a shape that is not known.
        botocore.exceptions.ClientError: the endpoint refused.
    """
    from botocore.exceptions import ClientError

    known = switch.models(deployment)
    prompts = prompt if isinstance(prompt, Mapping) else dict.fromkeys(known, as_text(prompt))
    client = deployment.target.client("sagemaker-runtime")
    stopped = Event()

    def one(model: str) -> Answer:
        begin = time.monotonic()
        text, cut = "", False
        asked = {**parameters, "details": True}
        answer = client.invoke_endpoint_with_response_stream(
            EndpointName=deployment.names.endpoint,
            ContentType="application/json",
            Body=json.dumps({"inputs": prompts[model], "parameters": asked, "stream": True}),
            **({"InferenceComponentName": component} if (component := known[model]) else {}),
        )
        # Between two events botocore raises what the container reports.
        for piece in pieces(event["PayloadPart"]["Bytes"] for event in answer["Body"]):
            text = piece.whole if piece.whole is not None else text + piece.text
            cut = piece.finish == LENGTH
            on_text(model, text)
            if stopped.is_set():
                break
        return Answer(model, prompts[model], text, time.monotonic() - begin, cut)

    with ThreadPoolExecutor(len(known)) as pool:
        try:
            return list(pool.map(one, [model for model in known if model in prompts]))
        except ClientError:
            require_awake(deployment)
            raise
        finally:
            stopped.set()


def first_line(text: str) -> str:
    """The first line, which is all that a job keeps: the container cannot stop at the end of a line."""
    return next(iter(text.strip().splitlines()), "").strip()


def endpoint_created(deployment: Deployment) -> datetime:
    """When the live endpoint was made, UTC-aware."""
    answer = deployment.target.client("sagemaker").describe_endpoint(EndpointName=deployment.names.endpoint)
    created: datetime = answer["CreationTime"]
    return created


@dataclass(frozen=True)
class Piece:
    """A piece of an answer. The last one has `whole`, the whole text as the container gives it, and `finish`,
    the reason for its end where the container names it.
    """

    text: str
    whole: str | None = None
    finish: str = ""


def pieces(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """The answer piece by piece: LMI's `{"token": {"text"}}` a line, the last with `"generated_text"`.

    Args:
        chunks: payloads of the event stream, cut without regard to lines or characters.

    Raises:
        UserError: the container broke off with an error, or a line has another shape.
    """
    for line in _lines(chunks):
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            raise _unknown(line.decode(errors="replace")) from None
        if isinstance(document, dict) and document.get("error"):
            raise _broken_off(document["error"])
        if isinstance(document, dict) and isinstance(document.get("token"), dict):
            text = str(document["token"].get("text", ""))
            yield Piece(text, document.get("generated_text"), _finish(document))
        else:
            text = generated_text(document)
            yield Piece(text, text, _finish(document))


def _entry(document: Any) -> dict[str, Any]:
    """The object of an answer, which may be alone in a list; {} where the answer has another shape."""
    entry = document[0] if isinstance(document, list) and document else document
    return entry if isinstance(entry, dict) else {}


def _finish(document: Any) -> str:
    details = _entry(document).get("details")
    return str(details.get("finish_reason") or "") if isinstance(details, dict) else ""


def generated_text(document: Any) -> str:
    """The text in an answer that comes at once: LMI's `{"generated_text"}`, JumpStart's list of one such.

    Raises:
        UserError: the answer has another shape.
    """
    entry = _entry(document)
    for key in ("generated_text", "generation"):
        if isinstance(entry.get(key), str):
            return str(entry[key])
    raise _unknown(json.dumps(document))


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from filter(None, map(bytes.strip, whole))
    if rest.strip():
        yield rest


def _broken_off(error: Any) -> UserError:
    """The failure from LMI's error line: `{"error": "…", "code": 400}`, or an object with a message."""
    message = error.get("message", error) if isinstance(error, dict) else error
    return UserError(
        f"The model broke off its answer: {str(message)[:500]}",
        fix="Ask again. The container's log is in CloudWatch under /aws/sagemaker/InferenceComponents.",
    )


def _unknown(answer: str) -> UserError:
    return UserError(
        f"The endpoint answered in a shape that is not known here: {answer[:200]}",
        fix="Which serving container is it? See the setting serving_image.",
    )
