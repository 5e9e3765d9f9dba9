"""Models and endpoint configurations: descriptions that endpoints are made from."""

from typing import Any

from botocore.exceptions import ClientError

from localcloud import platform
from localcloud.protocol import not_emulated, validation
from localcloud.sagemaker import catalog, store
from localcloud.sagemaker.s3_files import DataError, list_keys


def create_model(params: dict[str, Any]) -> dict[str, Any]:
    """Keep a model's container description; it is fetched and run only when an endpoint uses it."""
    containers = params.get("Containers") or []
    if bool(params.get("PrimaryContainer")) == bool(containers):
        raise validation("Exactly one of PrimaryContainer and Containers must be given.")
    if len(containers) > 1:
        raise not_emulated("inference pipelines", "Give the model one container.")
    if not params.get("ExecutionRoleArn"):
        raise validation("ExecutionRoleArn is required: the model's data is fetched under that role.")
    container = container_of(params)
    if not container.get("Image"):
        raise not_emulated("models without an Image (model packages, …)", "Name the container's image.")
    if container.get("Mode", "SingleModel") != "SingleModel":
        raise not_emulated("multi-model containers", "Leave Mode out.")
    if container.get("ModelDataUrl") and container.get("ModelDataSource"):
        raise validation("Both ModelDataUrl and ModelDataSource were given; a container takes one of them.")
    _check_data(container, params["ExecutionRoleArn"])
    return {"ModelArn": store.add(store.MODEL, params)["ModelArn"]}


def _check_data(container: dict[str, Any], role_arn: str) -> None:
    """AWS looks whether a model's data is there before it accepts the model."""
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    uri = container.get("ModelDataUrl") or (source or {}).get("S3Uri")
    if not uri:
        return
    if source and source["S3DataType"] == "S3Prefix" and not uri.endswith("/"):
        raise validation(f"S3Uri {uri} must end with a forward slash when S3DataType is S3Prefix.")
    try:
        found = list_keys(platform.role_client("s3", role_arn), uri)
    except (ClientError, DataError) as error:
        raise validation(
            f'Could not access model data at {uri}. Please ensure that the role "{role_arn}" exists and that '
            'its trust relationship policy allows the action "sts:AssumeRole" for the service principal '
            f'"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions. ({error})'
        ) from None
    if not found:
        raise validation(f"Could not find model data at {uri}.")


def container_of(model: dict[str, Any]) -> dict[str, Any]:
    """The one container of a model."""
    container: dict[str, Any] = model.get("PrimaryContainer") or model["Containers"][0]
    return container


def create_endpoint_config(params: dict[str, Any]) -> dict[str, Any]:
    """Keep an endpoint's description, with the checks that AWS makes at once.

    A variant names its model, or none of them does and inference components will bring the models.
    """
    for setting, advice in (
        ("AsyncInferenceConfig", "asynchronous endpoints"),
        ("ShadowProductionVariants", "shadows"),
    ):
        if params.get(setting):
            raise not_emulated(advice, f"Leave {setting} out.")
    variants = params["ProductionVariants"]
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) != len(names):
        raise validation("Production variant names must be unique within an endpoint configuration.")
    for variant in variants:
        _check_variant(variant)
    modelless = [variant for variant in variants if not variant.get("ModelName")]
    if modelless and len(modelless) != len(variants):
        raise validation(
            "Either every production variant names a model, or none does (inference components)."
        )
    if modelless and not params.get("ExecutionRoleArn"):
        raise validation("ExecutionRoleArn is required for an endpoint that hosts inference components.")
    for variant in variants:
        if variant.get("ModelName"):
            store.find(store.MODEL, variant["ModelName"])
    return {"EndpointConfigArn": store.add(store.ENDPOINT_CONFIG, params)["EndpointConfigArn"]}


def _check_variant(variant: dict[str, Any]) -> None:
    if variant.get("ServerlessConfig"):
        raise not_emulated("serverless endpoints", "Give the variant an InstanceType.")
    if not variant.get("InstanceType"):
        raise validation(f"InstanceType is required for production variant {variant['VariantName']}.")
    scaling = variant.get("ManagedInstanceScaling")
    if scaling and variant.get("ModelName"):
        raise validation("ManagedInstanceScaling is only supported for inference component endpoints.")
    least, most = (scaling or {}).get("MinInstanceCount", 0), (scaling or {}).get("MaxInstanceCount")
    if most is not None and least > most:
        raise validation("ManagedInstanceScaling: MinInstanceCount is above MaxInstanceCount.")


OPERATIONS: dict[str, catalog.Operation] = {
    "CreateModel": create_model,
    "DescribeModel": catalog.describing(store.MODEL),
    "DeleteModel": catalog.deleting(store.MODEL),
    "ListModels": catalog.Listing(store.MODEL),
    "CreateEndpointConfig": create_endpoint_config,
    "DescribeEndpointConfig": catalog.describing(store.ENDPOINT_CONFIG),
    "DeleteEndpointConfig": catalog.deleting(store.ENDPOINT_CONFIG),
    "ListEndpointConfigs": catalog.Listing(store.ENDPOINT_CONFIG),
}
