"""A custom resource whose deletion ends what would go on billing after its stack is gone.

Properties: `Project`; `StateMachineArn` and `ModelPackageGroup` (optional); `HostingStack` (optional: also
the project's endpoints that no CloudFormation stack owns, or that this one left behind); `SecurityGroup`
(optional: wait until SageMaker has no network interface in it). Creating and updating it does nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from core.aws.calls import AwsClients, Clients, error_text
from core.aws.notify import log
from core.endpoint.cleaning import Cleaner, Cleaning

#: Left over for the answer, without which CloudFormation waits for an hour.
ANSWER_SECONDS = 20.0
NO_CONTEXT_SECONDS = 300.0
#: CloudFormation cuts an answer off at 4 KB.
REASON_LIMIT = 1500
ATTEMPTS = 4


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Do the event's work and answer CloudFormation in every case; the answer is returned as well."""
    end = time.monotonic() + NO_CONTEXT_SECONDS

    def seconds_left() -> float:
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        return (float(remaining()) / 1000 if remaining else end - time.monotonic()) - ANSWER_SECONDS

    answer = work(event, AwsClients(), seconds_left)
    respond(str(event["ResponseURL"]), answer)
    return answer


def work(
    event: Mapping[str, Any],
    clients: Clients,
    seconds_left: Callable[[], float],
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """The answer to an event. FAILED means that something is left that bills: deleting the stack again
    retries."""
    properties = event.get("ResourceProperties") or {}
    project = str(properties.get("Project") or "FinExpert")
    cleaning = Cleaning()
    try:
        if event.get("RequestType") == "Delete":
            cleaner = Cleaner(clients, project, seconds_left, pause)
            cleaning = cleaner.clean(
                state_machine_arn=str(properties.get("StateMachineArn") or ""),
                model_package_group=str(properties.get("ModelPackageGroup") or ""),
                hosting_stack=str(properties.get("HostingStack") or ""),
                security_group=str(properties.get("SecurityGroup") or ""),
            )
    except Exception as error:  # CloudFormation must get an answer in every case
        cleaning.left.append(error_text(error))
    log("teardown", request=event.get("RequestType"), done=cleaning.done, left=cleaning.left)
    reason = "; ".join(cleaning.left) or "; ".join(cleaning.done) or "nothing to do"
    if cleaning.left:
        reason = f"Still there and possibly billing: {reason}. Delete the stack again to retry."
    return {
        "Status": "FAILED" if cleaning.left else "SUCCESS",
        "Reason": reason[:REASON_LIMIT],
        "PhysicalResourceId": event.get("PhysicalResourceId") or f"{project}-teardown",
        "StackId": event.get("StackId"),
        "RequestId": event.get("RequestId"),
        "LogicalResourceId": event.get("LogicalResourceId"),
        "Data": {},
    }


def respond(url: str, answer: Mapping[str, Any], pause: Callable[[float], None] = time.sleep) -> None:
    """Put the answer to the presigned URL; repeated, since a lost answer blocks the stack for an hour."""
    body = json.dumps(answer).encode()
    for attempt in range(1, ATTEMPTS + 1):
        # The URL is signed without a content type, so none may be sent.
        request = Request(url, data=body, method="PUT", headers={"Content-Type": ""})
        try:
            with urlopen(request, timeout=10):
                return
        except (URLError, OSError) as error:
            log("teardown-answer-failed", attempt=attempt, error=str(error))
            if attempt == ATTEMPTS:
                raise
            pause(2.0**attempt)
