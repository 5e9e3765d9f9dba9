"""Model package groups and their numbered packages, with approval."""

from typing import Any

from localcloud import platform
from localcloud.protocol import ApiError, not_emulated, validation
from localcloud.sagemaker import catalog, store, telemetry

GROUPS = catalog.Listing(store.MODEL_PACKAGE_GROUP, descending=False, answer="ModelPackageGroupSummaryList")
PACKAGES = catalog.Listing(
    store.MODEL_PACKAGE,
    descending=False,
    answer="ModelPackageSummaryList",
    equals={"ModelApprovalStatus": "ModelApprovalStatus"},
)


def create_group(params: dict[str, Any]) -> dict[str, Any]:
    """Make an empty group."""
    record = store.add(store.MODEL_PACKAGE_GROUP, params, ModelPackageGroupStatus="Completed")
    return {"ModelPackageGroupArn": record["ModelPackageGroupArn"]}


def delete_group(params: dict[str, Any]) -> dict[str, Any]:
    """Delete a group; AWS wants it empty.

    Raises:
        ApiError: ConflictException while the group has packages.
    """
    name = _last_part(params["ModelPackageGroupName"])
    with store.lock:
        store.find(store.MODEL_PACKAGE_GROUP, name)
        if _versions(name):
            raise ApiError(
                "ConflictException", f"Model Package Group {name} must have no model packages to be deleted."
            )
        store.remove(store.MODEL_PACKAGE_GROUP, name)
    return {}


def create_package(params: dict[str, Any]) -> dict[str, Any]:
    """Register the next version in a group. It is Completed at once: nothing is run to validate it."""
    if not params.get("ModelPackageGroupName"):
        raise not_emulated("unversioned model packages", "Give a ModelPackageGroupName.")
    if params.get("ValidationSpecification"):
        raise not_emulated("validation of model packages by batch jobs", "Leave ValidationSpecification out.")
    if params.get("Tags"):
        # AWS's words for a registered version; it takes tags on the group
        raise validation(
            "Tags cannot be specified for a versioned model package; tag its model package group."
        )
    group = _last_part(params["ModelPackageGroupName"])
    with store.lock:
        found = store.find(store.MODEL_PACKAGE_GROUP, group)
        # numbers are never given twice, so the newest is remembered in the group's record
        version = found["NewestVersion"] = found.get("NewestVersion", 0) + 1
        arn = f"{store.MODEL_PACKAGE.arn(group)}/{version}"
        fields = {
            "ModelPackageName": arn,
            "ModelPackageGroupName": group,
            "ModelApprovalStatus": params.get("ModelApprovalStatus", "PendingManualApproval"),
        }
        record = store.add(
            store.MODEL_PACKAGE,
            params | fields,
            ModelPackageArn=arn,
            ModelPackageVersion=version,
            ModelPackageStatus="Completed",
            ModelPackageStatusDetails={"ValidationStatuses": [], "ImageScanStatuses": []},
        )
    platform.spawn(telemetry.state_event, store.MODEL_PACKAGE, dict(record))
    return {"ModelPackageArn": arn}


def update_package(params: dict[str, Any]) -> dict[str, Any]:
    """Change a version's approval, its description or its metadata."""
    changes = {
        k: v for k, v in params.items() if k not in ("ModelPackageArn", "CustomerMetadataPropertiesToRemove")
    }
    with store.lock:
        record = store.find(store.MODEL_PACKAGE, _arn(params["ModelPackageArn"]))
        kept = record.get("CustomerMetadataProperties", {}) | changes.pop("CustomerMetadataProperties", {})
        for key in params.get("CustomerMetadataPropertiesToRemove", []):
            kept.pop(key, None)
        copy = store.change(record, **changes, CustomerMetadataProperties=kept or None)
    platform.spawn(telemetry.state_event, store.MODEL_PACKAGE, copy)
    return {"ModelPackageArn": copy["ModelPackageArn"]}


def list_packages(params: dict[str, Any]) -> dict[str, Any]:
    """The versions of a group; none without a group, since AWS then lists unversioned packages."""
    group = params.get("ModelPackageGroupName")
    with store.lock:
        rows = _versions(_last_part(group)) if group else []
        if params.get("ModelPackageType") == "Both":
            rows = [dict(record) for record in store.table(store.MODEL_PACKAGE).values()]
    return PACKAGES.rows(rows, params)


def _versions(group: str) -> list[store.Record]:
    packages = store.table(store.MODEL_PACKAGE).values()
    return [dict(record) for record in packages if record["ModelPackageGroupName"] == group]


def _last_part(name_or_arn: str) -> str:
    return name_or_arn.rsplit("/", 1)[-1]


def _arn(given: str) -> str:
    """A version's name is its ARN; requests may write the group's part in another case."""
    head, _, tail = given.partition(":model-package/")
    return f"{head}:model-package/{tail.lower()}" if tail else given


OPERATIONS: dict[str, catalog.Operation] = {
    "CreateModelPackageGroup": create_group,
    "DescribeModelPackageGroup": catalog.describing(store.MODEL_PACKAGE_GROUP, _last_part),
    "DeleteModelPackageGroup": delete_group,
    "ListModelPackageGroups": GROUPS,
    "CreateModelPackage": create_package,
    "DescribeModelPackage": catalog.describing(store.MODEL_PACKAGE, _arn),
    "UpdateModelPackage": update_package,
    "DeleteModelPackage": catalog.deleting(store.MODEL_PACKAGE, _arn),
    "ListModelPackages": list_packages,
}
