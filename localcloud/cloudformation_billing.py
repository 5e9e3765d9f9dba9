"""CloudFormation's AWS::Budgets::Budget, AWS::CE::AnomalyMonitor and AWS::CE::AnomalySubscription.

All three act through the services' own APIs over loopback, as any client does.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

from localcloud import platform
from localcloud.cloudformation import Properties, generated_name
from localcloud.hooks import stacks
from localcloud.sagemaker.validation import coerce

ATTRIBUTES = ("AccountId", "CreationDate", "LastUpdatedDate", "LastEvaluatedDate", "DimensionalValueCount")
MISSING = ("NotFoundException", "UnknownMonitorException", "UnknownSubscriptionException")


def install() -> None:
    """Teach CloudFormation these types."""
    stacks.install_resource_type(
        "AWS::Budgets::Budget", _Budget(), replacing=("NotificationsWithSubscribers",)
    )
    # Without tags of the stack: ResourceTags are create-only for monitors.
    for each in (
        _Anomaly(
            "Monitor", "MonitorSpecification", ("MonitorType", "MonitorDimension", "MonitorSpecification")
        ),
        _Anomaly("Subscription", "ThresholdExpression", ()),
    ):
        stacks.install_resource_type(f"AWS::CE::{each.name}", each, replacing=each.replacing)


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


class _Anomaly:
    """An anomaly monitor or subscription; Ref gives its ARN. `structure` is JSON text in templates."""

    def __init__(self, kind: str, structure: str, replacing: Sequence[str] = ()) -> None:
        self.name, self._arn, self._structure = f"Anomaly{kind}", f"{kind}Arn", structure
        self.replacing = (*replacing, structure) if replacing else ()

    def create(self, logical_id: str, properties: Properties, stack: str) -> stacks.Resource:
        """Create it, with its own tags."""
        tags = {"ResourceTags": properties["ResourceTags"]} if properties.get("ResourceTags") else {}
        asked = {self.name: self._params(properties), **tags}
        return self._found(str(_ask("ce", f"Create{self.name}", asked)[self._arn]))

    def update(
        self, arn: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> stacks.Resource:
        """Change what can be changed in place: a monitor's name, all of a subscription."""
        kept = {name: value for name, value in self._params(new).items() if name not in self.replacing}
        _ask("ce", f"Update{self.name}", {self._arn: arn, **kept})
        return self._found(arn)

    def delete(self, arn: str, properties: Properties) -> None:
        """Delete it."""
        _forget("ce", f"Delete{self.name}", {self._arn: arn})

    def _params(self, properties: Properties) -> Properties:
        params = {name: value for name, value in properties.items() if name != "ResourceTags"}
        text = params.get(self._structure)
        return params | ({self._structure: json.loads(text)} if isinstance(text, str) else {})

    def _found(self, arn: str) -> stacks.Resource:
        """Its ARN and what GetAtt gives."""
        (found,) = _ask("ce", f"Get{self.name}s", {f"{self._arn}List": [arn]})[f"{self.name}s"]
        return arn, {name: str(found[name]) for name in (self._arn, *ATTRIBUTES) if name in found}


def _ask(service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """One operation, its parameters given the types of the API's model (templates carry numbers as text)."""
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
