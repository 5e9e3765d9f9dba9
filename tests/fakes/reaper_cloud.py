"""The in-memory AWS with what the reaper asks of besides endpoints, and what a restore creates."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.cloud import Cloud, arn, error, minutes, page


@dataclass
class ReaperCloud(Cloud):
    notebooks: dict[str, dict[str, Any]] = field(default_factory=dict)  # type: ignore[assignment]

    apps: dict[str, dict[str, Any]] = field(default_factory=dict)  # type: ignore[assignment]
    policies: list[dict[str, Any]] = field(default_factory=list)

    # --- making things

    def label(self, resource: str, project: str | None = "FinExpert", **tags: str) -> None:
        self.tags[resource] = dict(tags) | ({"finexpert:project": project} if project else {})

    def notebook(self, name: str, *, running: float, status: str = "InService") -> str:
        """A notebook instance of last month that was started `running` minutes ago."""
        self.notebooks[name] = {
            "NotebookInstanceName": name,
            "NotebookInstanceArn": arn("notebook-instance", name),
            "NotebookInstanceStatus": status,
            "InstanceType": "ml.t3.medium",
            "CreationTime": self.now - minutes(30 * 24 * 60),
            "LastModifiedTime": self.now - minutes(running),
        }
        self.label(arn("notebook-instance", name))
        return name

    def job(
        self,
        name: str,
        *,
        age: float,
        started: float | None,
        limit: float | None = 120,
        wait: float | None = None,
        status: str = "InProgress",
        modified: float = 1,
        processing: bool = False,
    ) -> str:
        """A job; times in minutes ago, limits in minutes."""
        word = "Processing" if processing else "Training"
        machine = {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}
        stopping = {
            "MaxRuntimeInSeconds": limit and int(limit * 60),
            "MaxWaitTimeInSeconds": wait and int(wait * 60),
        }
        described: dict[str, Any] = {
            f"{word}JobName": name,
            f"{word}JobArn": arn(f"{word.lower()}-job", name),
            f"{word}JobStatus": status,
            "CreationTime": self.now - minutes(age),
            "LastModifiedTime": self.now - minutes(modified),
            "StoppingCondition": {key: value for key, value in stopping.items() if value},
            "ResourceConfig": machine,
            "ProcessingResources": {"ClusterConfig": machine},
        }
        if started is not None:
            described[f"{word}StartTime"] = self.now - minutes(started)
        (self.processing if processing else self.jobs)[name] = described
        self.label(described[f"{word}JobArn"])
        return name

    def app(
        self,
        name: str,
        *,
        age: float,
        active: float | None = None,
        checked: float | None = 1,
        kind: str = "JupyterLab",
        instance: str = "ml.t3.medium",
        status: str = "InService",
    ) -> str:
        """A Studio app of the space `s`; activity and health check in minutes ago."""

        def ago(number: float | None) -> datetime | None:
            return None if number is None else self.now - minutes(number)

        times = {"LastUserActivityTimestamp": ago(active), "LastHealthCheckTimestamp": ago(checked)}
        self.apps[name] = {
            "DomainId": "d-1",
            "SpaceName": "s",
            "AppType": kind,
            "AppName": name,
            "Status": status,
            "AppArn": arn("app", f"d-1/s/{kind.lower()}/{name}"),
            "CreationTime": ago(age),
            "ResourceSpec": {"InstanceType": instance},
            **{key: value for key, value in times.items() if value},
        }
        self.label(self.apps[name]["AppArn"])
        return name

    # --- lists and descriptions

    def list_notebook_instances(self, **request: Any) -> dict[str, Any]:
        return page(list(self.notebooks.values()), request, "NotebookInstances")

    def list_apps(self, **request: Any) -> dict[str, Any]:
        told = ("DomainId", "SpaceName", "AppType", "AppName", "Status", "CreationTime", "ResourceSpec")
        return page([{key: a[key] for key in told} for a in self.apps.values()], request, "Apps")

    def describe_app(self, AppName: str, **_: Any) -> dict[str, Any]:
        return dict(self.apps[AppName])

    # --- what a restore creates

    def create_endpoint_config(self, **request: Any) -> dict[str, Any]:
        self.configs[request["EndpointConfigName"]] = request
        return {"EndpointConfigArn": arn("endpoint-config", request["EndpointConfigName"])}

    def create_endpoint(self, EndpointName: str, EndpointConfigName: str, Tags: Any = ()) -> dict[str, Any]:
        if EndpointName in self.endpoints:
            raise error("ValidationException", "Cannot create already existing endpoint")
        config = self.configs[EndpointConfigName]
        running = [
            {
                "VariantName": variant["VariantName"],
                "CurrentInstanceCount": variant["InitialInstanceCount"],
                "DesiredInstanceCount": variant["InitialInstanceCount"],
            }
            for variant in config["ProductionVariants"]
        ]
        self.endpoints[EndpointName] = {
            "EndpointName": EndpointName,
            "EndpointArn": arn("endpoint", EndpointName),
            "EndpointConfigName": EndpointConfigName,
            "EndpointStatus": "InService",
            "CreationTime": self.now,
            "LastModifiedTime": self.now,
            "ProductionVariants": running,
            "ShadowProductionVariants": [],
        }
        self.tags[arn("endpoint", EndpointName)] = {tag["Key"]: tag["Value"] for tag in Tags}
        return {"EndpointArn": arn("endpoint", EndpointName)}

    def update_endpoint_weights_and_capacities(
        self, EndpointName: str, DesiredWeightsAndCapacities: list[dict[str, Any]]
    ) -> dict[str, Any]:
        wanted = {v["VariantName"]: v["DesiredInstanceCount"] for v in DesiredWeightsAndCapacities}
        for variant in self.endpoints[EndpointName]["ProductionVariants"]:
            count = wanted.get(variant["VariantName"], variant["CurrentInstanceCount"])
            variant["CurrentInstanceCount"] = variant["DesiredInstanceCount"] = count
        return {"EndpointArn": arn("endpoint", EndpointName)}

    def create_inference_component(self, InferenceComponentName: str, **request: Any) -> dict[str, Any]:
        base = request["Specification"].get("BaseInferenceComponentName")
        if base and base not in self.components:
            raise error("ValidationException", f"Could not find inference component {base}")
        self.component(InferenceComponentName, request["EndpointName"], age=0)
        specification = {**request["Specification"]}
        container = dict(specification.get("Container", {}))
        if "Image" in container:
            container["DeployedImage"] = {"SpecifiedImage": container.pop("Image")}
            specification["Container"] = container
        described = self.components[InferenceComponentName]
        described["Specification"] = specification
        described["RuntimeConfig"] = {
            "DesiredCopyCount": request.get("RuntimeConfig", {}).get("CopyCount", 1),
            "CurrentCopyCount": 1,
        }
        self.tags[described["InferenceComponentArn"]] = {
            t["Key"]: t["Value"] for t in request.get("Tags", ())
        }
        return {"InferenceComponentArn": described["InferenceComponentArn"]}

    def register_scalable_target(self, **request: Any) -> dict[str, Any]:
        self.targets.append({**request, "RoleARN": "arn:aws:iam::123456789012:role/linked"})
        return {}

    def put_scaling_policy(self, **request: Any) -> dict[str, Any]:
        self.policies.append(request)
        return {"PolicyARN": "arn"}

    def describe_scaling_policies(self, ResourceId: str, **_: Any) -> dict[str, Any]:
        return {"ScalingPolicies": [p for p in self.policies if p["ResourceId"] == ResourceId]}
