"""The states that an app can be in when its owner has had enough, each made through APIs alone.

A state is a function that brings a freshly deployed app into it. `STATES` is what tests/matrix/teardown goes
through; a few of them are in tests/functional as well.
"""

import json
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from core.endpoint import hosting
from finexpert import paths
from finexpert.service.account import leftovers
from finexpert.service.deployment import describe_stack
from finexpert.service.runs import executions
from tests.fakes.waiting import eventually
from tests.functional.guardrails.guarded_app import App, make_endpoint, names_of_endpoints

PARTS = ("Storage", "Training", "Hosting", "Guardrails", "Billing")
DENIED = "may-not-delete"


def never_woken(app: App) -> None:
    """Deployed, and nothing else ever."""


def asleep(app: App) -> None:
    """Woken once, and put to sleep."""
    awake(app)
    hosting.sleep(app.client("cloudformation"), hosting_stack(app))
    settled(app)
    assert not names_of_endpoints(app)


def awake(app: App) -> None:
    """The endpoint serves."""
    waking(app)
    assert settled(app) == "UPDATE_COMPLETE"
    assert names_of_endpoints(app) == {"finexpert"}


def waking(app: App) -> None:
    """The endpoint is being made."""
    hosting.wake(app.client("cloudformation"), hosting_stack(app), upload_adapter(app))


def training(app: App) -> None:
    """A run's job trains."""
    run = app.start(epoch="500")
    sagemaker = app.client("sagemaker")

    def trains() -> bool:
        jobs = sagemaker.list_training_jobs(NameContains=run)["TrainingJobSummaries"]
        if not jobs:
            assert executions.describe(app.deployment, run)["status"] == "RUNNING"
            return False
        return bool(sagemaker.describe_training_job(TrainingJobName=run)["SecondaryStatus"] == "Training")

    eventually(trains, why="the job does not train")


def execution_under_way(app: App) -> None:
    """A run has begun; its job may come at any moment."""
    app.start(epoch="500")


def rollback_failed(app: App) -> None:
    """A wake failed, and its rollback could not delete what it had made: CloudFormation lets go of it."""
    names = app.deployment.names
    iam, role = app.client("iam"), hosting.switching_role(names.stack("Hosting"), names.region)
    deny = {"Effect": "Deny", "Action": "sagemaker:Delete*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    iam.put_role_policy(RoleName=role, PolicyName=DENIED, PolicyDocument=document)
    try:
        bucket = app.deployment.output("Storage", "ArtifactBucketName")
        uri = f"s3://{bucket}/runs/none/output/model.tar.gz"
        hosting.wake(app.client("cloudformation"), hosting_stack(app), uri)
        assert settled(app) == "UPDATE_ROLLBACK_COMPLETE"
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName=DENIED)
    assert names_of_endpoints(app) == {"finexpert"}, "this state bills"


def buckets_full_of_versions(app: App) -> None:
    """More versions and delete markers than one listing shows."""
    s3, bucket = app.client("s3"), app.deployment.data_bucket
    for number in range(1100):
        s3.put_object(Bucket=bucket, Key=f"datasets/many/{number % 40}.txt", Body=b"x")
    for number in range(20):
        s3.delete_object(Bucket=bucket, Key=f"datasets/many/{number}.txt")


def endpoint_deleted_by_hand(app: App) -> None:
    """The stack thinks that it has an endpoint."""
    awake(app)
    sagemaker = app.client("sagemaker")
    for name in ("finexpert-tuned", "finexpert-base"):
        sagemaker.delete_inference_component(InferenceComponentName=name)
        eventually(
            lambda n=name: (  # type: ignore[misc]
                n
                not in {
                    c["InferenceComponentName"]
                    for c in sagemaker.list_inference_components()["InferenceComponents"]
                }
            )
        )
    sagemaker.delete_endpoint(EndpointName="finexpert")
    eventually(lambda: not names_of_endpoints(app))


def endpoint_out_of_band(app: App) -> None:
    """Somebody made an endpoint with the project's tag, and a component on it."""
    make_endpoint(app, "by-hand")


STATES: tuple[Callable[[App], None], ...] = (
    never_woken,
    asleep,
    awake,
    waking,
    training,
    execution_under_way,
    rollback_failed,
    buckets_full_of_versions,
    endpoint_deleted_by_hand,
    endpoint_out_of_band,
)


# Only the part that bills is taken from an endpoint that no stack owns; with the rest it can be made again.
LEAVING_WHAT_IS_FREE = (rollback_failed, endpoint_out_of_band)


def left_over(app: App, state: Callable[[App], None]) -> dict[str, list[str]]:
    """What there is by kind, without the free kinds that stay on purpose when the app was in that state."""
    free = ("models", "endpoint configurations") if state in LEAVING_WHAT_IS_FREE else ()
    return {kind: names for kind, names in leftovers.find(app.client).items() if kind not in free}


def hosting_stack(app: App) -> str:
    """The name of the stack with the endpoint."""
    return app.deployment.names.stack("Hosting")


def settled(app: App) -> str:
    """The status of the Hosting stack when it no longer changes."""

    def look() -> str:
        status = str(describe_stack(app.deployment, "Hosting")["StackStatus"])
        return "" if status.endswith("IN_PROGRESS") else status

    return str(eventually(look, seconds=240, why="Hosting does not settle"))


def upload_adapter(app: App, *, rank: int = 4) -> str:
    """An adapter for the base weights, in the artifact bucket; its URI. The endpoint loads ranks up to 64."""
    from tests.fakes.serving_model import build_adapter

    bucket = app.deployment.output("Storage", "ArtifactBucketName")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "model.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            made = build_adapter(Path(folder) / "adapter", paths.BASE_MODEL, seed=1, rank=rank)
            tar.add(made, arcname=".")
        app.client("s3").upload_file(str(archive), bucket, "runs/seed/output/model.tar.gz")
    return f"s3://{bucket}/runs/seed/output/model.tar.gz"
