"""`/_finexpert/…`: the interface through which this project looks at and steers its embedded cloud.

    GET  /_finexpert/health       what runs, since when, with how much memory
    GET  /_finexpert/logs         {name of a Lambda, endpoint, component: log}
    GET  /_finexpert/bill         this month's charges so far
    POST /_finexpert/bill         {"service": "AmazonSageMaker", "usd": 21.5} sets them; sends what that trips
    GET  /_finexpert/faults       the faults that are still to come
    POST /_finexpert/faults       {"service": "sagemaker", "operation": "CreateTrainingJob",
                                  "error": "ThrottlingException", "times": 2}: see `localcloud.faults`
    DELETE /_finexpert/faults     forgets them
    POST /_finexpert/bedrock      {"model": "amazon.nova-lite-v1:0", "folder": "/weights"}, or the "url" of a
                                  server with OpenAI's protocol: see `localcloud.bedrock.models`
    GET  /_finexpert/access       which role asked for what, and whether its policies allowed it
    POST /_finexpert/options      {"stop_grace": 1.5}: shorter waits of SageMaker, see `sagemaker.options`
    POST /_finexpert/interrupt    {"job": NAME, "capacity_after_seconds": 2}: takes a spot job's instance away

Anything else there is answered with 404. No AWS client ever uses these paths; `localcloud.door` lets only
the cloud's owner reach them.
"""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from localcloud import access_log, billing, environment, hooks, platform, processes
from localcloud.faults import fault_of, faults
from localcloud.platform import COMPONENTS, ENDPOINTS
from localcloud.protocol import ApiError, parsed, validation
from localcloud.sagemaker.options import options

PREFIX = "/_finexpert/"
LOG_GROUPS = (f"{COMPONENTS}/", f"{ENDPOINTS}/", "/aws/lambda/")
Application = Callable[..., Awaitable[None]]


def in_front_of(cloud: Application, *, started: float) -> Application:
    """The ASGI application that answers control requests and passes the others on to `cloud`."""

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await cloud(scope, receive, send)
            return
        body = await _body(receive)
        try:
            action = f"{scope['method']} {scope['path'].removeprefix(PREFIX)}"
            status, answer = 200, await asyncio.to_thread(act, action, body, started)
        except ApiError as refused:
            status, answer = refused.status, {"error": refused.message}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    return application


def act(action: str, body: bytes, started: float) -> dict[str, Any]:
    """Carry out an action, such as `POST bill`, and return its answer.

    Args:
        started: when the server began, in seconds since 1970.

    Raises:
        ApiError: there is no such action, or it cannot be carried out; the message says what is right.
    """
    if action == "GET health":
        return _health(started)
    if action not in ACTIONS:
        there_is = ", ".join(["GET health", *ACTIONS])
        raise ApiError("NotFoundException", f"There is no {action}. There is: {there_is}.", 404)
    try:
        return ACTIONS[action](body)
    except (ValueError, RecursionError) as error:  # BadFault and broken JSON
        raise validation(str(error)) from None


def _health(started: float) -> dict[str, Any]:
    state_dir = Path(os.environ["LOCALCLOUD_STATE_DIR"])
    return {
        "status": "ok",
        "endpoint_url": os.environ["AWS_ENDPOINT_URL"],
        "pid": os.getpid(),
        "uptime_seconds": round(time.time() - started, 1),
        "memory_mb": round(psutil.Process().memory_info().rss / 2**20, 1),
        "executions": hooks.executions.running_executions(),
        "processes": [
            {"pid": entry["pid"], "name": entry["name"]} for entry in processes.recorded(state_dir)
        ],
    }


def _charge(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
        service, usd = str(asked["service"]), float(asked["usd"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError('A charge reads {"service": "AmazonSageMaker", "usd": 21.5}.') from None
    if not service or not 0 <= usd < 1e9:
        raise ValueError(
            f"A charge needs a service's name and dollars of 0 or more, not {service!r} and {usd}."
        )
    return billing.charge(service, usd, datetime.now(UTC))


def _give_model(body: bytes) -> dict[str, Any]:
    from localcloud.bedrock import models  # asked for seldom, and it brings SageMaker's model along

    models.give(parsed(body))
    return {}


def _faults(body: bytes) -> dict[str, Any]:
    if body:
        faults.add(fault_of(parsed(body)))
    return {"faults": faults.waiting()}


def _forget_faults(body: bytes) -> dict[str, Any]:
    faults.clear()
    return _faults(b"")


def _options(body: bytes) -> dict[str, Any]:
    options.update(parsed(body))
    return dict(vars(options))


def _interrupt(body: bytes) -> dict[str, Any]:
    from localcloud.sagemaker import training_jobs  # it brings SageMaker's model along

    asked = parsed(body)
    with platform.scope(environment.ACCOUNT, environment.REGION):
        training_jobs.interrupt(str(asked.get("job")), float(asked.get("capacity_after_seconds", 0)))
    return {}


# Each gets the request's body; a ValueError's text is the reason of a refusal.
ACTIONS: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "GET logs": lambda body: hooks.telemetry.log_texts(LOG_GROUPS),
    "GET bill": lambda body: billing.describe(datetime.now(UTC)),
    "POST bill": _charge,
    "GET faults": lambda body: _faults(b""),
    "POST faults": lambda body: _faults(body or b"{}"),
    "DELETE faults": _forget_faults,
    "POST options": _options,
    "POST interrupt": _interrupt,
    "GET access": lambda body: {"access": access_log.entries()},
    "POST bedrock": _give_model,
}


async def _body(receive: Any) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)
