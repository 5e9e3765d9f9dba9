"""Lambda functions in CloudFormation: what ministack leaves out of AWS::Lambda::Function.

The template's dead-letter queue reaches the function, through Lambda's own API.
"""

from typing import Any

from localcloud import platform
from localcloud.hooks import stacks

TYPE = "AWS::Lambda::Function"


def install() -> None:
    """Make ministack's AWS::Lambda::Function behave as on AWS."""
    stacks.wrap_resource_type(TYPE, after_change=_after_change)


def _after_change(name: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    before, after = (properties.get("DeadLetterConfig") or {} for properties in (old, new))
    if before != after:
        queue = {"TargetArn": after.get("TargetArn", "")}
        platform.client("lambda").update_function_configuration(FunctionName=name, DeadLetterConfig=queue)
