"""What SageMaker and CloudFormation do in the in-memory AWS."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.fakes.cloud_state import CloudState, arn, error, page


class SageMaker(CloudState):
    def list_endpoints(self, **request: Any) -> dict[str, Any]:
        names = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
        summaries = [{key: e[key] for key in names} for e in self.endpoints.values()]
        return page(summaries, request, "Endpoints")

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        if EndpointName not in self.endpoints:
            raise error("ValidationException", f'Could not find endpoint "{arn("endpoint", EndpointName)}".')
        return dict(self.endpoints[EndpointName])

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:
        if EndpointConfigName not in self.configs:
            raise error("ValidationException", "Could not find endpoint configuration.")
        return dict(self.configs[EndpointConfigName])

    def delete_endpoint(self, EndpointName: str) -> None:
        described = self.describe_endpoint(EndpointName)
        if any(c["EndpointName"] == EndpointName for c in self.components.values()):
            raise error("ValidationException", "Cannot delete an endpoint that has inference components.")
        if described["EndpointStatus"] not in ("InService", "Failed", "OutOfService"):
            raise error("ValidationException", f"Cannot delete endpoint in {described['EndpointStatus']}")
        del self.endpoints[EndpointName]

    def list_inference_components(self, **request: Any) -> dict[str, Any]:
        wanted = request.get("EndpointNameEquals")
        found = [c for c in self.components.values() if wanted in (None, c["EndpointName"])]
        answer = page([dict(c) for c in found], request, "InferenceComponents")
        for component in found:
            if component["InferenceComponentStatus"] == "Deleting":
                component["looks"] = component.get("looks", 0) + 1
                if component["looks"] >= self.component_delay:
                    del self.components[component["InferenceComponentName"]]
        return answer

    def describe_inference_component(self, InferenceComponentName: str) -> dict[str, Any]:
        if InferenceComponentName not in self.components:
            raise error("ValidationException", "Could not find inference component")
        return dict(self.components[InferenceComponentName])

    def delete_inference_component(self, InferenceComponentName: str) -> None:
        self.describe_inference_component(InferenceComponentName)
        if self.component_delay:
            self.components[InferenceComponentName]["InferenceComponentStatus"] = "Deleting"
        else:
            del self.components[InferenceComponentName]

    def list_tags(self, ResourceArn: str, **_: Any) -> dict[str, Any]:
        return {"Tags": [{"Key": k, "Value": v} for k, v in self.tags.get(ResourceArn, {}).items()]}

    def add_tags(self, ResourceArn: str, Tags: list[dict[str, str]]) -> dict[str, Any]:
        self.tags.setdefault(ResourceArn, {}).update({t["Key"]: t["Value"] for t in Tags})
        self.ever_tagged.add(ResourceArn)
        return {"Tags": Tags}

    def delete_tags(self, ResourceArn: str, TagKeys: list[str]) -> dict[str, Any]:
        for key in TagKeys:
            self.tags.get(ResourceArn, {}).pop(key, None)
        return {}

    def list_training_jobs(self, **request: Any) -> dict[str, Any]:
        after = request.get("CreationTimeAfter")
        found = [
            job
            for name, job in self.jobs.items()
            if request.get("NameContains", "") in name
            and (after is None or job["CreationTime"] >= after)
            and request.get("StatusEquals", job["TrainingJobStatus"]) == job["TrainingJobStatus"]
        ]
        summaries = [{"TrainingJobArn": arn("training-job", job["TrainingJobName"]), **job} for job in found]
        return page(summaries, request, "TrainingJobSummaries")

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:
        if TrainingJobName not in self.jobs:
            raise error("ValidationException", "Requested resource not found.")
        return dict(self.jobs[TrainingJobName])

    def stop_training_job(self, TrainingJobName: str) -> None:
        if self.describe_training_job(TrainingJobName)["TrainingJobStatus"] != "InProgress":
            raise error("ValidationException", "The request was rejected because the training job is over.")
        self.jobs[TrainingJobName]["TrainingJobStatus"] = "Stopping"

    def list_model_packages(self, ModelPackageGroupName: str, **request: Any) -> dict[str, Any]:
        found = [p for p in self.packages.values() if p["ModelPackageGroupName"] == ModelPackageGroupName]
        return page(found, request, "ModelPackageSummaryList")

    def delete_model_package(self, ModelPackageName: str) -> None:
        del self.packages[ModelPackageName]

    def list_notebook_instances(self, **request: Any) -> dict[str, Any]:
        return page(self.notebooks, request, "NotebookInstances")

    def list_processing_jobs(self, **request: Any) -> dict[str, Any]:
        after = request.get("LastModifiedTimeAfter", datetime.min.replace(tzinfo=UTC))
        wanted = request.get("StatusEquals")
        found = [
            job
            for job in self.processing.values()
            if job["LastModifiedTime"] >= after and wanted in (None, job.get("ProcessingJobStatus"))
        ]
        return page(found, request, "ProcessingJobSummaries")

    def describe_processing_job(self, ProcessingJobName: str) -> dict[str, Any]:
        return dict(self.processing[ProcessingJobName])

    def list_apps(self, **request: Any) -> dict[str, Any]:
        return page(self.apps, request, "Apps")

    def invoke_endpoint_with_response_stream(
        self, EndpointName: str, Body: bytes, InferenceComponentName: str = "", **request: Any
    ) -> dict[str, Any]:
        assert json.loads(Body)["stream"] is True
        line = self.answers.get(InferenceComponentName or EndpointName, {"token": {"text": "."}})
        return {"Body": [{"PayloadPart": {"Bytes": json.dumps(line).encode()}}]}


class CloudFormation(CloudState):
    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        found = [s for s in self.stacks.values() if StackName in (s["StackName"], s["StackId"])]
        if not found:
            raise error("ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [dict(s) for s in found]}

    def update_stack(self, StackName: str, Parameters: list[Any], **request: Any) -> dict[str, Any]:
        stack = self.stacks[StackName]
        if stack["StackStatus"].endswith("IN_PROGRESS"):
            raise error("ValidationError", f"Stack:{StackName} is in {stack['StackStatus']} state")
        assert request["UsePreviousTemplate"] is True
        given = {p["ParameterKey"]: p for p in Parameters}
        assert set(given) == {p["ParameterKey"] for p in stack["Parameters"]}, "a parameter would be lost"
        before = [dict(p) for p in stack["Parameters"]]
        for parameter in stack["Parameters"]:
            new = given[parameter["ParameterKey"]]
            if not new.get("UsePreviousValue"):
                parameter["ParameterValue"] = new["ParameterValue"]
        if before == stack["Parameters"]:
            raise error("ValidationError", "No updates are to be performed.")
        stack["StackStatus"] = "UPDATE_IN_PROGRESS"
        return {"StackId": stack["StackId"]}

    def cancel_update_stack(self, StackName: str) -> None:
        self.stacks[StackName]["StackStatus"] = "UPDATE_ROLLBACK_IN_PROGRESS"

    def list_stacks(self, **request: Any) -> dict[str, Any]:
        return page(self.deleted_stacks, request, "StackSummaries")

    def describe_network_interfaces(self, Filters: list[dict[str, Any]]) -> dict[str, Any]:
        (group,) = next(each["Values"] for each in Filters if each["Name"] == "group-id")
        self.interfaces[group] = self.interfaces.get(group, 0) - 1
        left = [{"NetworkInterfaceId": f"eni-{group}"}] if self.interfaces[group] >= 0 else []
        return {"NetworkInterfaces": left}

    def describe_stack_resources(self, PhysicalResourceId: str) -> dict[str, Any]:
        stack = self.owners.get(PhysicalResourceId)
        if stack is None:
            raise error("ValidationError", f"Stack for {PhysicalResourceId} does not exist")
        return {"StackResources": [{"StackName": stack, "PhysicalResourceId": PhysicalResourceId}]}

    def describe_stack_events(self, StackName: str, **request: Any) -> dict[str, Any]:
        stack_id = self.stacks[StackName]["StackId"] if StackName in self.stacks else StackName
        return page(self.events.get(stack_id, []), request, "StackEvents", size=3)

    def get_template(self, StackName: str) -> dict[str, Any]:
        return {"TemplateBody": self.templates[StackName]}
