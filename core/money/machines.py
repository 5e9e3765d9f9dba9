"""Counts notebook instances, processing jobs and Studio apps of any owner that ran in the region this month.

What they cost in sessions before the present one is in AWS's own estimate, hours later (`charges`).
"""

from datetime import datetime
from typing import Any

from core.aws.calls import items_of
from core.money.prices import Component
from core.money.spend import Fleet, Lifetime

#: In these no instance bills. In every other status one may, also in a status that AWS adds later.
NOTEBOOK_RESTS = ("Stopped", "Failed", "Deleting")
APP_RESTS = ("Deleted", "Failed")
#: Shown in Studio, billed nowhere: the apps that are only its web page carry this or no type.
NO_INSTANCE = ("", "system")


def notebooks(sagemaker: Any) -> list[Lifetime]:
    """The present sessions of notebook instances; one began with the last change."""
    listed = items_of(sagemaker.list_notebook_instances, "NotebookInstances", MaxResults=100)
    return [
        _life(
            each["NotebookInstanceName"],
            each.get("LastModifiedTime") or each["CreationTime"],
            None,
            each.get("InstanceType", ""),
            "notebook",
        )
        for each in listed
        if each.get("NotebookInstanceStatus") not in NOTEBOOK_RESTS
    ]


def processing_jobs(sagemaker: Any, month: datetime) -> list[Lifetime]:
    """The processing jobs that ran in the month."""
    listed = items_of(
        sagemaker.list_processing_jobs, "ProcessingJobSummaries", MaxResults=100, LastModifiedTimeAfter=month
    )
    found = []
    for summary in listed:
        answer = sagemaker.describe_processing_job(ProcessingJobName=summary["ProcessingJobName"])
        start = answer.get("ProcessingStartTime")
        if start is None:
            continue
        cluster = answer.get("ProcessingResources", {}).get("ClusterConfig", {})
        life = _life(
            summary["ProcessingJobName"],
            start,
            answer.get("ProcessingEndTime"),
            cluster.get("InstanceType", ""),
            "processing",
            int(cluster.get("InstanceCount", 1)),
        )
        found.append(life)
    return found


def apps(sagemaker: Any) -> list[Lifetime]:
    """The Studio apps that run on an instance now."""
    found = []
    for app in items_of(sagemaker.list_apps, "Apps", MaxResults=100):
        kind = app.get("ResourceSpec", {}).get("InstanceType", "")
        if app.get("Status") not in APP_RESTS and kind not in NO_INSTANCE:
            found.append(
                _life(f"{app['AppType']} {app['AppName']}", app["CreationTime"], None, kind, "studio")
            )
    return found


def _life(
    name: str,
    start: datetime,
    end: datetime | None,
    instance_type: str,
    component: Component,
    instances: int = 1,
) -> Lifetime:
    fleets = (Fleet(instance_type=instance_type, instances=instances),) if instance_type else ()
    return Lifetime(
        name=name, start=start, end=end, fleets=fleets, source="SageMaker's list", component=component
    )
