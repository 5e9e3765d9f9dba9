"""The parameter that the whole Hosting stack hangs on.

Empty is asleep, `base` is awake with the base model alone, an artifact's S3 URI is awake with that adapter.
"""

from aws_cdk import CfnCondition, CfnParameter, CfnResource, Fn, Stack
from constructs import Construct

from core.endpoint.hosting import BASE, PARAMETER

ADAPTER = r"s3://[a-z0-9][a-z0-9.-]+[a-z0-9]/.+\.tar\.gz"


class ModelArtifact(Construct):
    """The parameter `ModelArtifact` and the conditions on it.

    Args:
        base_alone: whether the base model can be served without an adapter.
    """

    def __init__(self, scope: Construct, construct_id: str, *, base_alone: bool) -> None:
        super().__init__(scope, construct_id)
        parameter = CfnParameter(
            Stack.of(self),
            PARAMETER,
            type="String",
            default="",
            allowed_pattern=f"^$|^{BASE}$|^{ADAPTER}$" if base_alone else f"^$|^{ADAPTER}$",
            constraint_description=(
                f"must be empty, {BASE!r} for the base model alone, or the S3 URI of a model.tar.gz"
                if base_alone
                else "must be empty, or the S3 URI of a model.tar.gz"
            ),
            description="S3 URI of the adapter to serve; empty: asleep, nothing exists and nothing bills",
        )
        self.uri = parameter.value_as_string
        self.awake = CfnCondition(
            Stack.of(self), "Awake", expression=Fn.condition_not(Fn.condition_equals(self.uri, ""))
        )

    @property
    def merged_weights_uri(self) -> str:
        """S3 prefix of the weights that the artifact's run merged: `…/runs/RUN/checkpoints/merged/`.

        The artifact is `…/runs/JOB/output/model.tar.gz`; JOB is the run's name, with `-od` behind it if spot
        gave up and the run went on on demand, with the run's own checkpoints.
        """
        first_job = Fn.select(0, Fn.split("-od/output/", self.uri))
        return Fn.join("", [Fn.select(0, Fn.split("/output/", first_job)), "/checkpoints/merged/"])

    def only_with_adapter(self, resource: CfnResource) -> None:
        """Let the resource exist only while the parameter names an adapter."""
        none = [Fn.condition_equals(self.uri, value) for value in ("", BASE)]
        resource.cfn_options.condition = CfnCondition(
            Stack.of(self), "Adapted", expression=Fn.condition_not(Fn.condition_or(*none))
        )

    def only_awake(self, *resources: CfnResource) -> None:
        """Let the resources exist only while the parameter is set."""
        for resource in resources:
            resource.cfn_options.condition = self.awake
