"""Makes an endpoint again that the idle reaper deleted, from the snapshot in the audit bucket."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from core.aws.calls import Clients
from core.aws.errors import if_there
from core.aws.s3 import S3Address, sizes
from core.reaper.restoring import Request, RestorePlan, SnapshotUnusable, plan
from core.reaper.snapshot import folder
from finexpert.errors import UserError

Say = Callable[[str], None]

POLL_SECONDS = 5.0
#: Downloading weights and starting a container may take an hour each.
LONGEST_SECONDS = 7200.0


@dataclass(frozen=True)
class Restorer:
    """The steps of a restore. Each can be repeated, so the same command finishes one that broke off.

    Args:
        clients: `clients("sagemaker")` is the boto3 client.
        say: called with a sentence after every step.
    """

    clients: Clients
    say: Say

    def restore(self, wanted: RestorePlan) -> None:
        """Restore configuration, endpoint, components and scaling, in this order.

        Raises:
            UserError: another endpoint has the name, something did not come up, or AWS refused.
        """
        sagemaker = self.clients("sagemaker")
        self._config(sagemaker, wanted)
        self._endpoint(sagemaker, wanted)
        for request in wanted.components:
            self._component(sagemaker, request)
        if wanted.capacities:
            sagemaker.update_endpoint_weights_and_capacities(**wanted.capacities)
            self._wait_for_endpoint(sagemaker, wanted.name)
            self.say("its variants have their instances again")
        self._scaling(wanted)

    def _config(self, sagemaker: Any, wanted: RestorePlan) -> None:
        if if_there(lambda: sagemaker.describe_endpoint_config(EndpointConfigName=wanted.config_name)):
            return
        if wanted.config is None:
            raise UserError(
                f"The endpoint configuration {wanted.config_name} is gone, and was already gone when the"
                " endpoint was deleted.",
                where=wanted.name,
                fix="Create the configuration under that name, then repeat.",
            )
        sagemaker.create_endpoint_config(**wanted.config)
        self.say(f"configuration {wanted.config_name} created")

    def _endpoint(self, sagemaker: Any, wanted: RestorePlan) -> None:
        found = if_there(lambda: sagemaker.describe_endpoint(EndpointName=wanted.name))
        if found and found["EndpointConfigName"] != wanted.config_name:
            raise UserError(
                f"An endpoint {wanted.name} exists with the configuration {found['EndpointConfigName']}.",
                where=wanted.name,
                fix="It is not the one of the snapshot: it was made later.",
            )
        if not found:
            sagemaker.create_endpoint(**wanted.endpoint)
            self.say(f"endpoint {wanted.name}: creating, it bills from now on")
        self._wait_for_endpoint(sagemaker, wanted.name)
        self.say(f"endpoint {wanted.name} is in service")

    def _wait_for_endpoint(self, sagemaker: Any, name: str) -> None:
        describe = partial(sagemaker.describe_endpoint, EndpointName=name)
        self._wait(describe, "EndpointStatus", f"endpoint {name}")

    def _component(self, sagemaker: Any, request: Request) -> None:
        name = request["InferenceComponentName"]
        describe = partial(sagemaker.describe_inference_component, InferenceComponentName=name)
        if not if_there(describe):
            sagemaker.create_inference_component(**request)
            self.say(f"component {name}: creating")
        self._wait(describe, "InferenceComponentStatus", f"component {name}")
        self.say(f"component {name} is in service")

    def _wait(self, look: Callable[[], Mapping[str, Any]], status: str, what: str) -> None:
        end = time.monotonic() + LONGEST_SECONDS
        while True:
            found = look()
            if found[status] == "InService":
                return
            if found[status] in ("Failed", "OutOfService", "UpdateRollbackFailed"):
                raise UserError(
                    f"The {what} is {found[status]}: {found.get('FailureReason', 'AWS gives no reason')}",
                    fix="It may bill: delete it, or remove the reason and repeat after that.",
                )
            if time.monotonic() >= end:
                raise UserError(f"The {what} is still {found[status]}.", fix="Repeat the command to go on.")
            time.sleep(POLL_SECONDS)

    def _scaling(self, wanted: RestorePlan) -> None:
        for request in wanted.targets:
            self.clients("application-autoscaling").register_scalable_target(**request)
            self.say(f"scaling of {request['ResourceId']} registered")
        for request in wanted.policies:
            self.clients("application-autoscaling").put_scaling_policy(**request)
            self.say(f"scaling policy {request['PolicyName']} put")


def newest_snapshot(clients: Clients, bucket: str, name: str) -> dict[str, Any]:
    """The snapshot of the endpoint's last life.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    s3 = clients("s3")
    lives = S3Address(bucket, folder(name))
    found = list(sizes(s3, lives))
    if not found:
        raise UserError(
            f"There is no snapshot of an endpoint {name}.",
            where=str(lives),
            fix="Snapshots are kept for 90 days. What there is: aws s3 ls --recursive"
            f" s3://{bucket}/audit/endpoints/",
        )
    newest = lives / max(found)
    try:
        snapshot: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=newest.key)["Body"].read())
    except (ValueError, RecursionError) as error:
        raise UserError(f"The snapshot cannot be read: {error}", where=str(newest)) from error
    return snapshot


def restore(
    clients: Clients, in_region: Callable[[str], Clients], bucket: str, name: str, now: datetime, say: Say
) -> None:
    """Make the endpoint again as it was, where it was, and wait until it serves.

    Args:
        clients: of the region of the audit bucket.
        in_region: clients of another region.

    Raises:
        UserError: with the reason and what to do.
    """
    snapshot = newest_snapshot(clients, bucket, name)
    try:
        wanted = plan(snapshot, now)
    except SnapshotUnusable as error:
        raise UserError(f"The snapshot of {name} cannot be used: {error}", where=f"s3://{bucket}") from error
    region = str(snapshot["endpoint"]["EndpointArn"]).split(":")[3]
    Restorer(in_region(region), say).restore(wanted)
