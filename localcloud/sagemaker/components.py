"""Inference components: a base model's copies on an endpoint, and adapters on a base."""

import itertools
import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import platform
from localcloud.protocol import validation
from localcloud.sagemaker import (
    archive,
    catalog,
    component_checks,
    endpoints,
    hosting,
    s3_files,
    store,
    telemetry,
)
from localcloud.sagemaker.hosting import Fleet, Placement, StartFailed
from localcloud.sagemaker.models import container_of
from localcloud.sagemaker.options import options
from localcloud.sagemaker.store import Record

_generation = itertools.count(1)


def create(params: dict[str, Any]) -> dict[str, Any]:
    """Accept a component and bring it into service in the background."""
    specification = component_checks.specification_of(params)
    with store.lock:
        endpoint = store.find(store.ENDPOINT, params["EndpointName"])
        if endpoint["EndpointStatus"] != "InService":
            raise validation(
                f'Endpoint "{endpoint["EndpointArn"]}" is {endpoint["EndpointStatus"]}; inference components '
                "can be created on an endpoint that is InService."
            )
        if not endpoints.is_for_components(endpoint["_Config"]):
            raise validation(
                f"Endpoint {params['EndpointName']} hosts models, so it cannot host inference components."
            )
        fields = (
            component_checks.adapter_fields(params, specification)
            if component_checks.is_adapter(specification)
            else component_checks.base_fields(params, endpoint)
        )
        component_checks.check_specification(specification)
        record = store.add(
            store.INFERENCE_COMPONENT,
            {key: value for key, value in params.items() if key != "RuntimeConfig"},
            InferenceComponentStatus="Creating",
            EndpointArn=endpoint["EndpointArn"],
            **fields,
        )
    platform.spawn(_bring_up, record, endpoint, name=f"component-{record['InferenceComponentName']}")
    return {"InferenceComponentArn": record["InferenceComponentArn"]}


def describe(params: dict[str, Any]) -> dict[str, Any]:
    """Describe a component; its container's image appears as deployed."""
    answer = catalog.describing(store.INFERENCE_COMPONENT)(params)
    container = dict(answer["Specification"].get("Container", {}))
    if "Image" in container:
        container["DeployedImage"] = {"SpecifiedImage": container.pop("Image")}
        answer["Specification"] = answer["Specification"] | {"Container": container}
    return answer


def update(params: dict[str, Any]) -> dict[str, Any]:
    """Change a specification or the number of copies; the old one serves until the new one does."""
    with store.lock:
        record = catalog.changeable(store.INFERENCE_COMPONENT, params["InferenceComponentName"])
        specification = params.get("Specification") or record["Specification"]
        if component_checks.is_adapter(specification) != component_checks.is_adapter(record["Specification"]):
            raise validation("An inference component cannot change between a base and an adapter.")
        component_checks.check_specification(specification)
        count = params.get("RuntimeConfig", {}).get("CopyCount")
        if component_checks.is_adapter(specification) and count is not None:
            raise validation("An adapter inference component has no copies; leave RuntimeConfig out.")
        store.change(record, InferenceComponentStatus="Updating", FailureReason=None)
        endpoint = store.find(store.ENDPOINT, record["EndpointName"])
    new = specification if params.get("Specification") else None
    platform.spawn(_move, record, endpoint, new, count, name=f"component-{record['InferenceComponentName']}")
    return {"InferenceComponentArn": record["InferenceComponentArn"]}


def update_runtime_config(params: dict[str, Any]) -> dict[str, Any]:
    """Change the number of copies."""
    return update(
        {
            "InferenceComponentName": params["InferenceComponentName"],
            "RuntimeConfig": params["DesiredRuntimeConfig"],
        }
    )


def delete(params: dict[str, Any]) -> dict[str, Any]:
    """Remove a component.

    Raises:
        ApiError: while it is being made or changed, and for a base while adapters are on it.
    """
    with store.lock:
        record = store.find(store.INFERENCE_COMPONENT, params["InferenceComponentName"])
        catalog.refuse_in_progress(store.INFERENCE_COMPONENT, record)
        on_it = adapters_of(record["InferenceComponentName"])
        if on_it:  # AWS's exact words are not documented
            raise validation(
                f'Cannot delete inference component "{record["InferenceComponentArn"]}" because adapter '
                f"inference components use it: {', '.join(on_it)}. Delete them first."
            )
        store.change(record, InferenceComponentStatus="Deleting")
    platform.spawn(_take_down, record, name=f"component-{record['InferenceComponentName']}")
    return {}


def adapters_of(base_name: str) -> list[str]:
    """Names of the adapter components on a base."""
    rows = store.table(store.INFERENCE_COMPONENT).values()
    return sorted(
        row["InferenceComponentName"]
        for row in rows
        if row["Specification"].get("BaseInferenceComponentName") == base_name
    )


def base_of(component: Record) -> Record:
    """The component whose containers answer for this one: itself, or an adapter's base."""
    base = component["Specification"].get("BaseInferenceComponentName")
    return store.find(store.INFERENCE_COMPONENT, base) if base else component


# ---- in the background -------------------------------------------------------------------------------------


def _bring_up(record: Record, endpoint: Record) -> None:
    telemetry.state_event(store.INFERENCE_COMPONENT, dict(record))
    try:
        if component_checks.is_adapter(record["Specification"]):
            fields = _start_adapter(record, endpoint, record["Specification"])
        else:
            count = record["RuntimeConfig"]["DesiredCopyCount"]
            fleet = _start_fleet(record, endpoint, record["Specification"], count)
            hosting.fleets[record["InferenceComponentArn"]] = fleet
            fields = _copies(count)
    except Exception as error:
        _enter(record, "Failed", FailureReason=hosting.failure_reason(error))
        return
    _enter(record, "InService", **fields)


def _move(record: Record, endpoint: Record, specification: Record | None, count: int | None) -> None:
    telemetry.state_event(store.INFERENCE_COMPONENT, dict(record))
    try:
        if component_checks.is_adapter(record["Specification"]):
            fields = _start_adapter(record, endpoint, specification or record["Specification"])
        elif specification is None:
            wanted = record["RuntimeConfig"]["CurrentCopyCount"] if count is None else count
            hosting.fleets[record["InferenceComponentArn"]].scale(wanted)
            fields = _copies(wanted)
        else:
            fields = _replace_fleet(record, endpoint, specification, count)
    except Exception as error:
        _enter(record, "InService", FailureReason=hosting.failure_reason(error))
        return
    _enter(record, "InService", **fields, **({"Specification": specification} if specification else {}))


def _replace_fleet(
    record: Record, endpoint: Record, specification: Record, count: int | None
) -> dict[str, Any]:
    old = hosting.fleets[record["InferenceComponentArn"]]
    wanted = len(old.copies) if count is None else count
    fleet = _start_fleet(record, endpoint, specification, wanted, adapters=dict(old.adapters))
    hosting.fleets[record["InferenceComponentArn"]] = fleet
    old.stop(options.endpoint_grace)
    return _copies(wanted)


def _copies(count: int) -> dict[str, Any]:
    return {"RuntimeConfig": {"DesiredCopyCount": count, "CurrentCopyCount": count}}


def _start_fleet(
    record: Record,
    endpoint: Record,
    specification: Record,
    count: int,
    adapters: dict[str, Path] | None = None,
) -> Fleet:
    startup = specification.get("StartupParameters", {})
    container, role = specification.get("Container", {}), endpoints.execution_role(endpoint)
    if specification.get("ModelName"):
        model = store.table(store.MODEL).get(specification["ModelName"])
        if model is None:
            raise StartFailed(f"Model {specification['ModelName']} no longer exists.")
        container, role = container_of(model), model["ExecutionRoleArn"]
    elif container.get("ArtifactUrl"):
        container = container | {"ModelDataUrl": container["ArtifactUrl"]}
    placement = Placement(record["EndpointName"], record["VariantName"], record["InferenceComponentName"])
    seconds = startup.get("ContainerStartupHealthCheckTimeoutInSeconds", options.startup_timeout)
    variants = endpoint["_Config"]["ProductionVariants"]
    variant = next(each for each in variants if each["VariantName"] == record["VariantName"])
    fleet = Fleet(placement, container, role, seconds, variant, adapters=adapters or {})
    fleet.start(count)
    return fleet


def _start_adapter(record: Record, endpoint: Record, specification: Record) -> dict[str, Any]:
    """Fetch the adapter and hand it to the base's containers.

    One that they cannot load is in service all the same, and each request to it a ModelError; the container's
    log says why. Source: Hugging Face, hub-docs, sagemaker-sdk/multi-lora-adapters-vllm notebook.

    Raises:
        StartFailed: it cannot be fetched; the one before stays.
    """
    fleet = hosting.fleets.get(base_of(record)["InferenceComponentArn"])
    if fleet is None:
        raise StartFailed("The base inference component has no containers.")
    name = record["InferenceComponentName"]
    folder = (
        platform.state_dir() / "endpoints" / record["EndpointName"] / f"{name}-adapter-{next(_generation)}"
    )
    url = specification["Container"]["ArtifactUrl"]
    try:
        s3 = platform.role_client("s3", endpoints.execution_role(endpoint))
        hosting.fetch_archive(s3, url, folder)
    except (ClientError, BotoCoreError, s3_files.DataError, archive.UnsafeArchive) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StartFailed(
            f"Failed to download the adapter of inference component {name} from {url}: {error}"
        ) from error
    before = fleet.adapters.get(name)
    try:
        fleet.add_adapter(name, folder)
    except StartFailed as failure:
        shutil.rmtree(folder, ignore_errors=True)
        fleet.say(str(failure))
    if before:
        shutil.rmtree(before, ignore_errors=True)
    return {}


def _take_down(record: Record) -> None:
    telemetry.state_event(store.INFERENCE_COMPONENT, dict(record))
    if component_checks.is_adapter(record["Specification"]):
        fleet = hosting.fleets.get(base_of(record)["InferenceComponentArn"])
        folder = fleet.adapters.get(record["InferenceComponentName"]) if fleet else None
        if fleet:
            fleet.remove_adapter(record["InferenceComponentName"])
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    elif fleet := hosting.fleets.pop(record["InferenceComponentArn"], None):
        fleet.stop(options.endpoint_grace)
    time.sleep(platform.provision_seconds())
    store.remove(store.INFERENCE_COMPONENT, record["InferenceComponentName"])


_enter = partial(catalog.enter, store.INFERENCE_COMPONENT)


OPERATIONS: dict[str, catalog.Operation] = {
    "CreateInferenceComponent": create,
    "DescribeInferenceComponent": describe,
    "UpdateInferenceComponent": update,
    "UpdateInferenceComponentRuntimeConfig": update_runtime_config,
    "DeleteInferenceComponent": delete,
    "ListInferenceComponents": catalog.Listing(
        store.INFERENCE_COMPONENT,
        equals={"EndpointNameEquals": "EndpointName", "VariantNameEquals": "VariantName"},
    ),
}
