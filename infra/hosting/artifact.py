"""The parameter that the whole Hosting stack hangs on: empty is asleep, an artifact's S3 URI is awake."""

from __future__ import annotations

from aws_cdk import CfnCondition, CfnParameter, CfnResource, Fn, Stack
from constructs import Construct

PARAMETER = "ModelArtifact"


class ModelArtifact(Construct):
    """The parameter `ModelArtifact` and the condition that it is set."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        parameter = CfnParameter(
            Stack.of(self),
            PARAMETER,
            type="String",
            default="",
            allowed_pattern=r"^$|^s3://[a-z0-9][a-z0-9.-]+[a-z0-9]/.+\.tar\.gz$",
            constraint_description="must be empty, or the S3 URI of a model.tar.gz",
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

    def only_awake(self, *resources: CfnResource) -> None:
        """Let the resources exist only while the parameter is set."""
        for resource in resources:
            resource.cfn_options.condition = self.awake
