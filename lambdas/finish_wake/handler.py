"""Ends a wake by the state machine: asks each model of the endpoint one question."""

import os
from collections.abc import Mapping
from typing import Any

from core.aws.calls import AwsClients, region_from
from core.endpoint.waking import finish
from core.environment import Variables
from core.names import Names


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Event {artifact: what was to be served, again: this was the second try}; answer {outcome}.

    The outcome is `awake`, `again` or `failed`, see `core.endpoint.waking.Outcome`.

    Raises ModelUnanswered when a model does not answer; the endpoint is put back to sleep then.
    """
    variables = Variables(os.environ)
    project = variables.needed("PROJECT", "the deployment's prefix")
    hosting = variables.choice("HOSTING", "components", ("components", "merged"))
    variables.check()
    region = region_from(os.environ)
    names = Names(project=project, region=region)
    outcome = finish(
        AwsClients(region),
        names,
        merged=hosting == "merged",
        artifact=str(event["artifact"]),
        again=bool(event.get("again")),
    )
    return {"outcome": outcome.value}
