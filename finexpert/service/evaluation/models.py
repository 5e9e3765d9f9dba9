"""Model packages: every finished run is registered, approved or rejected."""

from __future__ import annotations

from dataclasses import dataclass

from finexpert.deployment import Deployment
from finexpert.errors import UserError


@dataclass(frozen=True)
class Package:
    """A registered model: `name` is `GROUP/VERSION`, `approval` "Approved" or "Rejected"."""

    name: str
    approval: str


def newest_package(deployment: Deployment) -> Package:
    """The newest model package of the app's group.

    Raises:
        UserError: no run has been registered yet.
    """
    group = deployment.output("Training", "ModelPackageGroupName")
    found = deployment.target.client("sagemaker").list_model_packages(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
    )["ModelPackageSummaryList"]
    if not found:
        raise UserError("No model has been registered yet.", where=group, fix="finexpert train PATH")
    newest = found[0]
    version = newest.get("ModelPackageVersion", newest["ModelPackageArn"].rsplit("/", 1)[-1])
    return Package(f"{group}/{version}", newest["ModelApprovalStatus"])
