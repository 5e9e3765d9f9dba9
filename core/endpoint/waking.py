"""Ends a wake with one question to each model, since a component that is InService need not answer.

SageMaker calls an adapter's component InService whether or not the container could load the adapter; only a
request shows it. Source: Hugging Face, hub-docs, sagemaker-sdk/multi-lora-adapters-vllm notebook.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from core.aws.calls import Clients, error_text
from core.endpoint import hosting
from core.endpoint.hosting import Hosting, HostingError, HostingState
from core.endpoint.sleeping import put_to_sleep
from core.names import Names

QUESTION = {"inputs": "Revenue", "parameters": {"max_new_tokens": 1, "do_sample": False}, "stream": True}
ATTEMPTS = 3
"""The first request loads the adapter, which may take longer than a request may."""
PAUSE_SECONDS = 5.0


class ModelUnanswered(HostingError):
    """A model of the endpoint does not answer; the message says which, why, and what became of the endpoint."""


def finish(
    clients: Clients,
    names: Names,
    *,
    merged: bool,
    pause: Callable[[float], None] = time.sleep,
) -> Hosting:
    """Ask each model of an awake endpoint one question; put the endpoint to sleep if one does not answer.

    A stack that is not awake is returned as it is.

    Args:
        merged: the endpoint has one model and no inference components.

    Raises:
        ModelUnanswered: with what each model said; the endpoint is going to sleep, or the message says why not.
    """
    stack = names.stack("Hosting")
    found = hosting.read(clients("cloudformation"), stack)
    if found.state is not HostingState.AWAKE:
        return found
    runtime, problems = clients("sagemaker-runtime"), []
    for model, component in hosting.models(names, found.artifact, merged=merged).items():
        if problem := _ask(runtime, names.endpoint, component, pause):
            problems.append(f"the {model} model does not answer: {problem}")
    if not problems:
        return found
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
        except ValueError:
            continue
        if isinstance(document, Mapping) and document.get("error"):
            return str(document["error"])
    return "" if answer.strip() else "the answer is empty"
