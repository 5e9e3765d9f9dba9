"""Ends a wake with one question to each model, since a component that is InService need not answer.

SageMaker calls an adapter's component InService whether or not the container could load the adapter; only a
request shows it. Source: Hugging Face, hub-docs, sagemaker-sdk/multi-lora-adapters-vllm notebook.
"""

import json
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from core.aws.calls import Clients
from core.aws.errors import error_text
from core.endpoint import hosting
from core.endpoint.hosting import HostingError, HostingState
from core.endpoint.sleeping import put_to_sleep
from core.names import Names

QUESTION = {"inputs": "Revenue", "parameters": {"max_new_tokens": 1, "do_sample": False}, "stream": True}
ATTEMPTS = 3
"""The first request loads the adapter, which may take longer than a request may."""
PAUSE_SECONDS = 5.0
TUNED = "Tuned"
"""Part of the name that the adapter's component has in Hosting's template."""


class Outcome(StrEnum):
    """The outcome of a wake."""

    AWAKE = "awake"
    """Every model answers."""
    AGAIN = "again"
    """It was rolled back by the adapter's component, which the same wake may well make now."""
    FAILED = "failed"
    """It was rolled back, or it has not ended."""


class ModelUnanswered(HostingError):
    """A model of the endpoint does not answer; the message says which, why, and what was done."""


def finish(
    clients: Clients,
    names: Names,
    *,
    merged: bool,
    artifact: str | None = None,
    again: bool = False,
    pause: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Ask each model of a woken endpoint one question; put the endpoint to sleep if one does not answer.

    SageMaker may refuse the adapter's component while the endpoint is still settling after its base's. AWS's
    own SDK waits in between, which CloudFormation does not, so such a wake is worth a second try.

    Args:
        merged: the endpoint has one model and no inference components.
        artifact: what was to be served; None: whatever is.
        again: this was the second try.

    Raises:
        ModelUnanswered: with what each model said; the endpoint goes to sleep, or is said to bill.
    """
    stack = names.stack("Hosting")
    found = hosting.read(clients("cloudformation"), stack)
    if found.state is not HostingState.AWAKE or artifact not in (None, found.artifact):
        failed = hosting.failure_reason(clients("cloudformation"), stack).partition(":")[0]
        may_pass = found.status == "UPDATE_ROLLBACK_COMPLETE" and TUNED in failed
        return Outcome.AGAIN if may_pass and not again else Outcome.FAILED
    runtime, problems = clients("sagemaker-runtime"), []
    for model, component in hosting.models(names, found.artifact, merged=merged).items():
        if problem := _ask(runtime, names.endpoint, component, pause):
            problems.append(f"the {model} model does not answer: {problem}")
    if not problems:
        return Outcome.AWAKE
    slept = put_to_sleep(clients, project=names.project, stack=stack, pause=pause)
    after = f"It still bills: {slept.problem}" if slept.problem else "It is put back to sleep"
    raise ModelUnanswered(
        f"The endpoint woke, but {'; '.join(problems)}. {after}. Serve another run: finexpert wake RUN;"
        " or the base model alone: finexpert wake --base."
    )


def _ask(runtime: Any, endpoint: str, component: str | None, pause: Callable[[float], None]) -> str:
    """Ask one model, several times if need be; return why it does not answer, empty if it does."""
    addressed = {"InferenceComponentName": component} if component else {}
    problem = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(PAUSE_SECONDS)
        try:
            answer = runtime.invoke_endpoint_with_response_stream(
                EndpointName=endpoint, ContentType="application/json", Body=json.dumps(QUESTION), **addressed
            )
            problem = _error_in(b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"]))
        except Exception as error:
            problem = error_text(error)
        if not problem:
            return ""
    return problem


def _error_in(answer: bytes) -> str:
    """The container's error in a stream that began well: LMI writes it as a line `{"error": …}`."""
    for line in answer.splitlines():
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(document, Mapping) and document.get("error"):
            return str(document["error"])
    return "" if answer.strip() else "the answer is empty"
