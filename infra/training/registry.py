"""The places of results: the model package group, and the parameter with the newest accepted adapter."""

from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.project_stack import ProjectStack

NOTHING_YET = "none"


class ModelRegistry(Construct):
    """Every finished run becomes a package of the group; one that passed also goes into the parameter.

    The parameter's value here is only its first: the state machine overwrites it, and CloudFormation leaves
    it alone as long as the template does not change.
    """

    def __init__(self, stack: ProjectStack, construct_id: str) -> None:
        super().__init__(stack, construct_id)
        names = stack.names
        self.group = sagemaker.CfnModelPackageGroup(
            self,
            "Group",
            model_package_group_name=names.model_package_group,
            model_package_group_description="LoRA adapters, one a run: approved or rejected",
        )
        self.parameter = ssm.StringParameter(
            self,
            "NewestArtifact",
            parameter_name=names.artifact_parameter,
            string_value=NOTHING_YET,
            description="S3 URI of the newest adapter that passed the quality gate",
        )
