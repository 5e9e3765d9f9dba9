"""Removing an endpoint in the order that AWS asks for: scaling targets, inference components, endpoint.

Endpoint configuration and model stay: they cost nothing, and with them the endpoint can be made again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.aws.calls import Clients, Listing, items_of, list_all
from core.aws.errors import Cause, cause_of, error_code, error_text, is_missing

POLL_SECONDS = 2.0


@dataclass(slots=True)
class Removal:
    """The result of a removal. `gone`: the endpoint is (being) deleted; else `problem` says why it is not.

    `under_way`: nothing refused it, but its inference components take longer than there was time.
    """

    gone: bool = False
    under_way: bool = False
    steps: list[str] = field(default_factory=list)
    problem: str = ""


def scalable_targets(autoscaling: Any, endpoint: str, components: list[str]) -> list[dict[str, Any]]:
    """The Application Auto Scaling targets of an endpoint's variants and components."""
    found = items_of(autoscaling.describe_scalable_targets, "ScalableTargets", ServiceNamespace="sagemaker")
    owned = {f"inference-component/{name}" for name in components}
    return [
        target
        for target in found
        if target["ResourceId"].startswith(f"endpoint/{endpoint}/") or target["ResourceId"] in owned
    ]


def components_of(sagemaker: Any, endpoint: str) -> Listing:
    """List the inference components of an endpoint."""
    return list_all(
        sagemaker.list_inference_components,
        "InferenceComponents",
        EndpointNameEquals=endpoint,
        MaxResults=100,
    )


def remove_endpoint(
    clients: Clients,
    name: str,
    *,
    seconds: float,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Removal:
    """Remove an endpoint with all that hangs on it; at most about `seconds`. Safe to repeat at any point.

    Scaling targets that cannot be read do not stop the removal: they are free.
    """
    removal = Removal()
    end = clock() + seconds
    sagemaker = clients("sagemaker")
    listing = components_of(sagemaker, name)
    _deregister(clients, name, [c["InferenceComponentName"] for c in listing.items], removal)
    while True:
        # Where components cannot be listed AWS itself refuses to delete an endpoint that has some.
        left = _delete_components(sagemaker, listing.items, removal)
        if not left and _delete_endpoint(sagemaker, name, removal):
            return removal
        if clock() >= end:
            removal.under_way = not removal.problem
            removal.problem = removal.problem or "its inference components are still being deleted"
            return removal
        pause(POLL_SECONDS)
        listing = components_of(sagemaker, name)


def _deregister(clients: Clients, endpoint: str, components: list[str], removal: Removal) -> None:
    try:
        client = clients("application-autoscaling")
        for target in scalable_targets(client, endpoint, components):
            client.deregister_scalable_target(
                ServiceNamespace="sagemaker",
                ResourceId=target["ResourceId"],
                ScalableDimension=target["ScalableDimension"],
            )
            removal.steps.append(f"deregistered scaling of {target['ResourceId']}")
    except Exception as error:
        removal.steps.append(f"scaling targets could not be removed: {error_text(error)}")


def _delete_components(sagemaker: Any, components: list[dict[str, Any]], removal: Removal) -> bool:
    """Ask for every component's deletion, newest first (adapters follow their base); True if any is left."""
    for component in sorted(components, key=lambda c: c["CreationTime"], reverse=True):
        if component["InferenceComponentStatus"] == "Deleting":
            continue
        name = component["InferenceComponentName"]
        try:
            sagemaker.delete_inference_component(InferenceComponentName=name)
            removal.steps.append(f"deleted component {name}")
        except Exception as error:
            # A base is refused until its adapters are gone; the next look tries it again.
            if not is_missing(error):
                removal.problem = f"component {name}: {error_text(error)}"
    return bool(components)


def _delete_endpoint(sagemaker: Any, name: str, removal: Removal) -> bool:
    try:
        sagemaker.delete_endpoint(EndpointName=name)
        status = sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]
    except Exception as error:
        if not is_missing(error):
            removal.problem = error_text(error)
            # Anything but "components are still there" or "busy" will not pass by waiting.
            passing = cause_of(error) in (Cause.THROTTLED, Cause.IN_USE)
            return not passing and error_code(error) != "ValidationException"
        status = "Deleting"
    removal.gone = status == "Deleting"
    removal.problem = "" if removal.gone else f"after DeleteEndpoint it is still {status}"
    if removal.gone:
        removal.steps.append(f"deleted endpoint {name}")
    return removal.gone
