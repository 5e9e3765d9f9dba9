"""CloudFormation's AWS::Budgets::Budget, AWS::CE::AnomalyMonitor and AWS::CE::AnomalySubscription.

All three act through the services' own APIs over loopback, as any client does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from localcloud import platform
from localcloud.cloudformation import Properties, generated_name
from localcloud.hooks import stacks

MISSING = ("NotFoundException", "UnknownMonitorException", "UnknownSubscriptionException")


def install() -> None:
    """Teach CloudFormation these types."""
    monitor = ("MonitorType", "MonitorDimension", "MonitorSpecification")
    # Without tags of the stack: ResourceTags are create-only for monitors.
    stacks.install_resource_type(
        "AWS::Budgets::Budget", _Budget(), replacing=("NotificationsWithSubscribers",)
    )
    stacks.install_resource_type("AWS::CE::AnomalyMonitor", _AnomalyMonitor(), replacing=monitor)
    stacks.install_resource_type("AWS::CE::AnomalySubscription", _AnomalySubscription(), replacing=())


class _Budget:
    """Ref gives the budget's name. Its name and its notifications cannot be changed in place."""

    def create(self, logical_id: str, properties: Properties, stack: str) -> stacks.Resource:
        """Create the budget with its notifications."""
        params = dict(properties)
        budget = {"BudgetName": generated_name(logical_id), **params["Budget"]}
        params["Budget"] = budget
        _ask("budgets", "CreateBudget", {"AccountId": platform.account_id(), **params})
        return str(budget["BudgetName"]), {"Id": budget["BudgetName"]}

    def update(
        self, name: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> stacks.Resource:
        """Change limit, filters or period; another name makes another budget, and ministack deletes this."""
        wanted = {"BudgetName": name, **new["Budget"]}
        if wanted["BudgetName"] != name:
            return self.create(logical_id, new, stack)
        _ask("budgets", "UpdateBudget", {"AccountId": platform.account_id(), "NewBudget": wanted})
        return name, {"Id": name}

    def delete(self, name: str, properties: Properties) -> None:
        """Delete the budget."""
        _forget("budgets", "DeleteBudget", {"AccountId": platform.account_id(), "BudgetName": name})


class _AnomalyMonitor:
    """Ref gives the monitor's ARN. Only its name can be changed in place."""

    def create(self, logical_id: str, properties: Properties, stack: str) -> stacks.Resource:
        """Create the monitor."""
        params = _with_structure(properties, "MonitorSpecification")
        asked = {"AnomalyMonitor": params, **_tags(properties)}
        arn = str(_ask("ce", "CreateAnomalyMonitor", asked)["MonitorArn"])
        found = _ask("ce", "GetAnomalyMonitors", {"MonitorArnList": [arn]})["AnomalyMonitors"][0]
        names = ("CreationDate", "LastUpdatedDate", "LastEvaluatedDate", "DimensionalValueCount")
        return arn, {"MonitorArn": arn, **{name: str(found[name]) for name in names if name in found}}

    def update(
        self, arn: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> stacks.Resource:
        """Rename the monitor."""
        _ask("ce", "UpdateAnomalyMonitor", {"MonitorArn": arn, "MonitorName": new["MonitorName"]})
        return arn, {"MonitorArn": arn}

    def delete(self, arn: str, properties: Properties) -> None:
        """Delete the monitor."""
        _forget("ce", "DeleteAnomalyMonitor", {"MonitorArn": arn})


class _AnomalySubscription:
    """Ref gives the subscription's ARN."""

    def create(self, logical_id: str, properties: Properties, stack: str) -> stacks.Resource:
        """Create the subscription."""
        params = _with_structure(properties, "ThresholdExpression")
        asked = {"AnomalySubscription": params, **_tags(properties)}
        arn = str(_ask("ce", "CreateAnomalySubscription", asked)["SubscriptionArn"])
        return arn, {"SubscriptionArn": arn, "AccountId": platform.account_id()}

    def update(
        self, arn: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> stacks.Resource:
        """Change the subscribers, the threshold and how often they get mail."""
        params = _with_structure(new, "ThresholdExpression")
        _ask("ce", "UpdateAnomalySubscription", {"SubscriptionArn": arn, **params})
        return arn, {"SubscriptionArn": arn, "AccountId": platform.account_id()}

    def delete(self, arn: str, properties: Properties) -> None:
        """Delete the subscription."""
        _forget("ce", "DeleteAnomalySubscription", {"SubscriptionArn": arn})


def _with_structure(properties: Properties, name: str) -> Properties:
    """The properties but for tags; `name` is a JSON text in templates and a structure in the API."""
    params = {key: value for key, value in properties.items() if key != "ResourceTags"}
    return params | ({name: json.loads(params[name])} if isinstance(params.get(name), str) else {})


def _tags(properties: Properties) -> Properties:
    return {"ResourceTags": properties["ResourceTags"]} if properties.get("ResourceTags") else {}


def _ask(service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """One operation, its parameters given the types of the API's model (templates carry numbers as text)."""
    from botocore import xform_name

    from localcloud.sagemaker.validation import coerce

    client = platform.client(service)
    shape = client.meta.service_model.operation_model(operation).input_shape
    method: Callable[..., dict[str, Any]] = getattr(client, xform_name(operation))
    try:
        return method(**coerce(params, shape))
    except ParamValidationError as error:
        raise ValueError(f'Resource handler returned message: "{error}"') from None


def _forget(service: str, operation: str, params: Mapping[str, Any]) -> None:
    """Delete something that may be gone already."""
    try:
        _ask(service, operation, params)
    except ClientError as error:
        if error.response["Error"]["Code"] not in MISSING:
            raise
