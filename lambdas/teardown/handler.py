"""A custom resource whose deletion ends what would go on billing after its stack is gone.

Properties: `Project`; `StateMachineArn` and `ModelPackageGroup` (optional); `HostingStack` (optional: also
the project's endpoints that no CloudFormation stack owns, or that this one left behind); `SecurityGroup`
(optional: wait until SageMaker has no network interface in it). Creating and updating it does nothing.
"""

import time
from collections.abc import Mapping
from typing import Any

from core.aws.calls import AwsClients
from core.endpoint.teardown import respond, tear_down

#: Left over for the answer, without which CloudFormation waits for an hour.
ANSWER_SECONDS = 20.0
NO_CONTEXT_SECONDS = 300.0


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Do the event's work and answer CloudFormation in every case; the answer is returned as well."""
    end = time.monotonic() + NO_CONTEXT_SECONDS

    def seconds_left() -> float:
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        return (float(remaining()) / 1000 if remaining else end - time.monotonic()) - ANSWER_SECONDS

    answer = tear_down(event, AwsClients(), seconds_left)
    respond(str(event["ResponseURL"]), answer)
    return answer
