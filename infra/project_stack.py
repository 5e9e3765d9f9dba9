"""The base class of all stacks."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.arns import Arns
from infra.settings import Settings


class ProjectStack(Stack):
    """A stack of this project: knows the settings, the names, and ARNs by name.

    Args:
        settings: of the deployment.
        suffix: of the stack's name, such as `Storage`.
        purpose: one line for people who find the stack in the console.
    """

    def __init__(
        self, scope: Construct, settings: Settings, suffix: str, purpose: str, **kwargs: Any
    ) -> None:
        names = settings.names
        super().__init__(
            scope, names.stack(suffix), description=f"Financial domain expert: {purpose}", **kwargs
        )
        self.settings, self.suffix = settings, suffix
        self.names = names
        self.arns = Arns(
            names=names,
            partition=self.partition,
            region=self.region,
            account=self.account,
            role_path=settings.role_path,
        )

    def output(self, name: str, value: str, description: str) -> None:
        """An output that the command line reads."""
        CfnOutput(self, name, value=value, description=description)
