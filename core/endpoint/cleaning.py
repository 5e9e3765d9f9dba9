"""Ends what CloudFormation does not know of: executions, training jobs, model packages, unowned endpoints."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.aws.calls import Clients, list_all
from core.aws.errors import error_text, if_there
from core.aws.tags import list_tags, owner_of
from core.endpoint import hosting
from core.endpoint.endpoints import remove_endpoint
from core.endpoint.sleeping import endpoint_name
from core.names import PROJECT_TAG
from core.training_jobs import project_jobs

POLL_SECONDS = 5.0


@dataclass(slots=True)
class Cleaning:
    """The result of a cleaning: what was ended, and what is left that may bill, with the reason."""

    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class Cleaner:
    """One cleaning of a project; every step is tried, even if others fail."""

    def __init__(
        self,
        clients: Clients,
        project: str,
        seconds_left: Callable[[], float],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clients, self._project = clients, project
        self._left, self._pause = seconds_left, pause
        self.result = Cleaning()

    def clean(
        self,
        *,
        state_machine_arn: str = "",
        model_package_group: str = "",
        hosting_stack: str = "",
        security_group: str = "",
    ) -> Cleaning:
        """End executions first, so that none starts another job; then jobs; then packages and endpoints.

        Steps without a name are left out; `hosting_stack` is the stack whose endpoints are the project's too,
        once it is gone itself. Last it waits for SageMaker's network interfaces in `security_group`.
        """
        if state_machine_arn:
            self._try("executions", lambda: self._executions(state_machine_arn))
        self._try("training jobs", self._jobs)
        if model_package_group:
            self._try("model packages", lambda: self._packages(model_package_group))
        if hosting_stack:
            self._try("endpoints", lambda: self._endpoints(hosting_stack))
        if security_group:
            self._try("network interfaces", lambda: self._interfaces(security_group))
        return self.result

    def _try(self, what: str, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:
            self.result.left.append(f"{what}: {error_text(error)}")

    def _executions(self, state_machine_arn: str) -> None:
        client = self._clients("stepfunctions")
        listing = list_all(
            client.list_executions,
            "executions",
            token="nextToken",
            stateMachineArn=state_machine_arn,
            statusFilter="RUNNING",
        )
        for execution in listing.items:
            client.stop_execution(
                executionArn=execution["executionArn"], error="TornDown", cause="The stack is being deleted."
            )
            self.result.done.append(f"execution {execution['name']} stopped")
        if not listing.complete and "StateMachineDoesNotExist" not in listing.problem:
            raise RuntimeError(listing.problem)

    def _jobs(self) -> None:
        sagemaker = self._clients("sagemaker")
        asked: set[str] = set()
        while True:
            running = project_jobs(sagemaker, self._project, StatusEquals="InProgress")
            for job in set(running) - asked:
                self._stop(sagemaker, job)
                asked.add(job)
            running += project_jobs(sagemaker, self._project, StatusEquals="Stopping")
            if not running:
                return
            if self._left() < 2 * POLL_SECONDS:
                self.result.left += [f"training job {job} is still being stopped" for job in running]
                return
            self._pause(POLL_SECONDS)

    def _interfaces(self, security_group: str) -> None:
        """Wait until no interface is left: they outlive job and endpoint by minutes, and hold the subnets.

        Source: aws-cloudformation/cloudformation-coverage-roadmap issue 1327.
        """
        filters = [{"Name": "group-id", "Values": [security_group]}]
        while True:
            answer = self._clients("ec2").describe_network_interfaces(Filters=filters)
            left = [each["NetworkInterfaceId"] for each in answer["NetworkInterfaces"]]
            if not left:
                return
            if self._left() < 2 * POLL_SECONDS:
                raise RuntimeError(f"SageMaker has not taken away {', '.join(left)} yet; they cost nothing")
            self._pause(POLL_SECONDS)

    def _stop(self, sagemaker: Any, job: str) -> None:
        try:
            sagemaker.stop_training_job(TrainingJobName=job)
            self.result.done.append(f"training job {job} stopped")
        except Exception as error:
            # It may have ended in between; the next look shows whether it is still there.
            self.result.done.append(f"training job {job}: {error_text(error)}")

    def _packages(self, group: str) -> None:
        """CloudFormation cannot delete a group that holds packages, and runs have put some into it."""
        sagemaker = self._clients("sagemaker")
        listing = list_all(
            sagemaker.list_model_packages,
            "ModelPackageSummaryList",
            ModelPackageGroupName=group,
            MaxResults=100,
        )
        for package in listing.items:
            sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
            self.result.done.append(f"model package {group}/{package['ModelPackageVersion']} deleted")
        if not listing.complete and "does not exist" not in listing.problem:
            raise RuntimeError(listing.problem)

    def _endpoints(self, hosting_stack: str) -> None:
        sagemaker = self._clients("sagemaker")
        # A rollback that cannot delete an endpoint lets go of it: it bills on with the stack's tag.
        stack = hosting.read(self._clients("cloudformation"), hosting_stack)
        asleep = stack.state in (hosting.HostingState.ABSENT, hosting.HostingState.ASLEEP)
        unowned = {"", hosting_stack} if asleep else {""}
        # CloudFormation puts no tags on endpoints: the endpoint of an awake Hosting is known by its name.
        spared = set() if asleep else {endpoint_name(self._project, stack)}
        listing = list_all(sagemaker.list_endpoints, "Endpoints", MaxResults=100)
        for summary in listing.items:
            name = summary["EndpointName"]
            if name in spared:
                continue
            self._try(f"endpoint {name}", lambda s=summary: self._endpoint(sagemaker, s, unowned))  # type: ignore[misc]
        if not listing.complete:
            raise RuntimeError(listing.problem)

    def _endpoint(self, sagemaker: Any, summary: dict[str, Any], unowned: set[str]) -> None:
        arn, name = summary["EndpointArn"], summary["EndpointName"]
        tags = if_there(lambda: list_tags(sagemaker, arn))
        if tags is None or tags.get(PROJECT_TAG) != self._project:
            return
        owner = owner_of(self._clients("cloudformation"), arn, tags)
        if owner not in unowned:
            self.result.done.append(f"endpoint {name} left alone: the stack {owner} holds it")
            return
        removal = remove_endpoint(self._clients, name, seconds=self._left(), pause=self._pause)
        if not removal.gone:
            raise RuntimeError(removal.problem)
        self.result.done.append(f"endpoint {name} deleted")
