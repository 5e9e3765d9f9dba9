"""The deployed app as the command line finds it: the outputs of its stacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.names import BILLING_REGION
from finexpert.errors import NotDeployed, UserError

if TYPE_CHECKING:
    from core.names import Names
    from finexpert.service.target import Target
    from infra.settings import Settings

STACKS = ("Storage", "Training", "Hosting", "Guardrails", "Billing")


@dataclass(frozen=True)
class Deployment:
    """The app on one cloud. Reads a stack's outputs when first asked for one of them."""

    target: Target
    settings: Settings

    @property
    def names(self) -> Names:
        """What everything of it is called."""
        return self.settings.names

    @cached_property
    def _outputs(self) -> dict[str, dict[str, str]]:
        return {}

    def output(self, part: str, key: str) -> str:
        """One stack output.

        Args:
            part: the stack without the prefix, one of `STACKS`, or `Web` where that is wanted.
            key: the output's name.

        Raises:
            UserError: the stack or the output does not exist here.
        """
        if part not in self._outputs:
            self._outputs[part] = outputs_of(describe_stack(self, part))
        try:
            return self._outputs[part][key]
        except KeyError:
            raise UserError(
                f"The stack has no output {key}: it was deployed by another version of the app.",
                where=self.names.stack(part),
                fix="Deploy again: cdk deploy --all",
            ) from None


def describe_stack(deployment: Deployment, part: str) -> Mapping[str, Any]:
    """DescribeStacks of one stack of the app.

    Raises:
        NotDeployed: it is not there.
    """
    from botocore.exceptions import ClientError

    name = deployment.names.stack(part)
    try:
        # The Billing stack lives where AWS publishes charges, whatever the main region is.
        region = BILLING_REGION if part == "Billing" else None
        stacks = deployment.target.client("cloudformation", region).describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        stacks = []
    if not stacks:
        here = "on the embedded cloud" if deployment.target.is_local else "in this account and region"
        raise NotDeployed(
            f"The stack {name} is not deployed {here}.",
            where=deployment.target.endpoint_url or "",
            fix="Deploy the app: cdk bootstrap && cdk deploy --all (embedded cloud: finexpert demo --keep).",
        )
    return dict(stacks[0])


def outputs_of(stack: Mapping[str, Any]) -> dict[str, str]:
    """The outputs of a DescribeStacks answer as a mapping."""
    return {entry["OutputKey"]: entry["OutputValue"] for entry in stack.get("Outputs", [])}
