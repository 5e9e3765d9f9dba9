"""Ask the live endpoint: base model and fine-tuned adapter, through InvokeEndpoint, at the same time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from finexpert.deployment import Deployment
from finexpert.errors import UserError
from finexpert.ops import hosting
from lambdas.shared.hosting import HostingState

PROMPTS = (
    "The investment tests performed indicate",
    "the relative volume for the long out of the money options, indicates",
    "The results for the short in the money options",
    "The results are encouraging for aggressive investors",
)
"""The four prompts of the course that this product grew from; shown before and after tuning."""


@dataclass(frozen=True)
class Answer:
    """What one model said to one prompt, and how long it took (seconds, round trip)."""

    model: str
    prompt: str
    text: str
    seconds: float


def models(deployment: Deployment) -> dict[str, str | None]:
    """The models behind the endpoint by name, each with its inference component (None: it has one model)."""
    if deployment.settings.hosting == "merged":
        return {"tuned": None}
    return {
        "base": deployment.output("Hosting", "BaseComponentName"),
        "tuned": deployment.output("Hosting", "TunedComponentName"),
    }


def require_awake(deployment: Deployment) -> None:
    """Raises:
    UserError: Hosting is not awake, so nobody would answer.
    """
    state = hosting.read(deployment).state
    if state is not HostingState.AWAKE:
        raise UserError(
            f"Hosting is {state}, so there is no endpoint to ask.",
            where=deployment.names.stack("Hosting"),
            fix="Wake it: finexpert wake (on AWS it bills from then on, until it has been idle).",
        )


def ask(deployment: Deployment, prompt: str, parameters: Mapping[str, Any]) -> list[Answer]:
    """The answers of all models to one prompt, in the order of `models`.

    Args:
        parameters: of the generation: max_new_tokens, temperature, do_sample, seed, top_p.
    """
    client, endpoint = deployment.target.client("sagemaker-runtime"), deployment.names.endpoint
    body = json.dumps({"inputs": prompt, "parameters": dict(parameters)})

    def one(model: str, component: str | None) -> Answer:
        begin = time.monotonic()
        answer = client.invoke_endpoint(
            EndpointName=endpoint,
            ContentType="application/json",
            Body=body,
            **({"InferenceComponentName": component} if component else {}),
        )
        text = generated_text(json.loads(answer["Body"].read()))
        return Answer(model, prompt, text, time.monotonic() - begin)

    chosen = models(deployment)
    with ThreadPoolExecutor(len(chosen)) as pool:
        return list(pool.map(one, chosen.keys(), chosen.values()))


def generated_text(document: Any) -> str:
    """The text in a serving container's answer: LMI's `{"generated_text"}`, JumpStart's list of one such.

    Raises:
        UserError: the answer has another shape.
    """
    entry = document[0] if isinstance(document, list) and document else document
    if isinstance(entry, dict):
        for key in ("generated_text", "generation"):
            if isinstance(entry.get(key), str):
                return str(entry[key])
    raise UserError(
        f"The endpoint answered in a shape that is not known here: {json.dumps(document)[:200]}",
        fix="Which serving container is it? See the setting serving_image.",
    )


def endpoint_created(deployment: Deployment) -> datetime:
    """When the live endpoint was made, UTC-aware."""
    answer = deployment.target.client("sagemaker").describe_endpoint(EndpointName=deployment.names.endpoint)
    created: datetime = answer["CreationTime"]
    return created
