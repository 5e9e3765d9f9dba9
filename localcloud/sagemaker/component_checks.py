"""Checks of a request for an inference component before it is accepted."""

from typing import Any

from localcloud.protocol import not_emulated, validation
from localcloud.sagemaker import store
from localcloud.sagemaker.store import Record


def is_adapter(specification: Record) -> bool:
    """Whether a specification is of an adapter on a base component."""
    return bool(specification.get("BaseInferenceComponentName"))


def specification_of(params: dict[str, Any]) -> Record:
    """The one Specification of a Create request."""
    if params.get("Specifications"):
        raise not_emulated("one inference component on several instance types", "Give one Specification.")
    specification: Record = params.get("Specification") or {}
    if not specification:
        raise validation("Specification is required.")
    return specification


def check_specification(specification: Record) -> None:
    """Hold a specification to what a base or an adapter needs.

    Raises:
        ApiError: ValidationException.
    """
    container = specification.get("Container", {})
    if is_adapter(specification):
        if specification.get("ComputeResourceRequirements") or specification.get("ModelName"):
            raise validation(
                "An adapter inference component uses its base's resources and model; leave "
                "ComputeResourceRequirements and ModelName out."
            )
        if not container.get("ArtifactUrl"):
            raise validation(
                "An adapter inference component needs Container.ArtifactUrl, the adapter's tar.gz."
            )
        return
    if bool(specification.get("ModelName")) == bool(container.get("Image")):
        raise validation("A base inference component needs either ModelName or Container.Image.")
    if not specification.get("ComputeResourceRequirements"):
        raise validation("ComputeResourceRequirements is required for a base inference component.")
    if specification.get("ModelName"):
        store.find(store.MODEL, specification["ModelName"])


def base_fields(params: dict[str, Any], endpoint: Record) -> dict[str, Any]:
    """The service's own fields of a new base component, if the endpoint can host it.

    Raises:
        ApiError: ValidationException.
    """
    names = [variant["VariantName"] for variant in endpoint["ProductionVariants"]]
    if not params.get("VariantName"):
        raise validation("VariantName is required for a base inference component.")
    if params["VariantName"] not in names:
        raise validation(
            f"Endpoint {endpoint['EndpointName']} has no variant {params['VariantName']}; it has {names}."
        )
    if params.get("RuntimeConfig") is None:
        raise validation("RuntimeConfig is required for a base inference component.")
    wanted = params["RuntimeConfig"]["CopyCount"]
    return {"RuntimeConfig": {"DesiredCopyCount": wanted, "CurrentCopyCount": 0}}


def adapter_fields(params: dict[str, Any], specification: Record) -> dict[str, Any]:
    """The service's own fields of a new adapter component, if its base can take it.

    Raises:
        ApiError: ValidationException.
    """
    base = store.find(store.INFERENCE_COMPONENT, specification["BaseInferenceComponentName"])
    if is_adapter(base["Specification"]):
        raise validation(
            f"{base['InferenceComponentName']} is an adapter itself; name a base inference component."
        )
    if base["EndpointName"] != params["EndpointName"]:
        raise validation(f"{base['InferenceComponentName']} is on another endpoint, {base['EndpointName']}.")
    if base["InferenceComponentStatus"] != "InService":
        raise validation(
            f"Base inference component {base['InferenceComponentName']} is "
            f"{base['InferenceComponentStatus']}; an adapter can be created once it is InService."
        )
    return {"VariantName": base["VariantName"]}
