"""A small notebook instance with the repository attached: the course's notebooks where its users know them.

It stands outside the private network: without a way to GitHub, PyPI and AWS's own APIs it could do nothing,
and a NAT gateway would cost more than the budget. It stops when idle, and gives no user root.
"""

from aws_cdk import Fn
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.encryption import key_use, volume_key_use
from infra.notebook.on_start import on_start
from infra.notebook.permissions import notebook_permissions
from infra.permissions import ServiceRole
from infra.setting_checks import NOTEBOOK_INSTANCE_TYPE
from infra.training.stack import TrainingStack

PLATFORM = "notebook-al2023-v1"
VOLUME_GB = 5  # the least; data lies in S3


class NotebookInstance(Construct):
    """The instance, its role, and the script that it starts with.

    The key of the stack, if it has one, is for the volume and for what the instance writes.
    """

    def __init__(self, stack: TrainingStack, construct_id: str) -> None:
        super().__init__(stack, construct_id)
        arns, settings, key_arn = stack.arns, stack.settings, stack.key_arn
        name = f"{arns.names.name}-notebook"
        steps = notebook_permissions(arns, instance_name=name)
        role = ServiceRole(
            self,
            "Role",
            service="sagemaker.amazonaws.com",
            description="Who works in the notebook instance",
            permissions=[*steps, *key_use(arns, key_arn, steps), *volume_key_use(key_arn)],
        ).role
        script = sagemaker.CfnNotebookInstanceLifecycleConfig(
            self,
            "OnStart",
            notebook_instance_lifecycle_config_name=name,
            on_start=[
                sagemaker.CfnNotebookInstanceLifecycleConfig.NotebookInstanceLifecycleHookProperty(
                    content=Fn.base64(on_start(settings))
                )
            ],
        )
        sagemaker.CfnNotebookInstance(
            self,
            "Instance",
            notebook_instance_name=name,
            instance_type=NOTEBOOK_INSTANCE_TYPE,
            platform_identifier=PLATFORM,
            role_arn=role.role_arn,
            default_code_repository=settings.notebook_repository,
            lifecycle_config_name=script.attr_notebook_instance_lifecycle_config_name,
            root_access="Disabled",
            direct_internet_access="Enabled",
            instance_metadata_service_configuration=sagemaker.CfnNotebookInstance.InstanceMetadataServiceConfigurationProperty(
                minimum_instance_metadata_service_version="2"
            ),
            kms_key_id=key_arn,
            volume_size_in_gb=VOLUME_GB,
        )
