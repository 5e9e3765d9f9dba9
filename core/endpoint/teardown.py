"""Answers CloudFormation for the custom resource whose deletion ends what would go on billing."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from core.aws.calls import Clients
from core.aws.errors import error_text
from core.aws.notify import log
from core.endpoint.cleaning import Cleaner, Cleaning

#: CloudFormation cuts an answer off at 4 KB.
REASON_LIMIT = 1500
ATTEMPTS = 4


def tear_down(
    event: Mapping[str, Any],
    clients: Clients,
    seconds_left: Callable[[], float],
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """The answer to an event; FAILED: something is left that bills, and deleting the stack again retries."""
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
