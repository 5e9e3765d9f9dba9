"""The state machine, its role and its log."""

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from core.names import TRAINING_LOG_GROUP
from infra.arns import Arns
from infra.encryption import key_use
from infra.permissions import ServiceRole, Statement, allow, pass_role, switch_hosting
from infra.project_stack import ProjectStack
from infra.retention import project_log_group
from infra.training.definition import definition
from infra.training.job import FineTune


class FineTuneStateMachine(Construct):
    """Runs `FineTune`; its role may do what the definition's tasks do, and no more.

    Args:
        fine_tune: what to run.
        key_arn: of the customer-managed key that encrypts the log, and data that the tasks use.
    """

    def __init__(
        self, stack: ProjectStack, construct_id: str, *, fine_tune: FineTune, key_arn: str | None
    ) -> None:
        super().__init__(stack, construct_id)
        names = stack.names
        # CloudWatch keeps room in its resource policy for groups of this prefix without being asked.
        log_group_name = f"/aws/vendedlogs/states/{names.state_machine}"
        log_group = project_log_group(self, "Log", name=log_group_name, key_arn=key_arn)
        calls = state_machine_permissions(stack.arns, fine_tune)
        role = ServiceRole(
            self,
            "Role",
            service="states.amazonaws.com",
            permissions=[*calls, *key_use(stack.arns, key_arn, calls)],
            for_own_account=True,
        ).role
        asl = stack.to_json_string(definition(fine_tune))
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=names.state_machine,
            definition_body=sfn.DefinitionBody.from_string(asl),
            role=role,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL),
        )


def state_machine_permissions(arns: Arns, fine_tune: FineTune) -> list[Statement]:
    """Permissions for the tasks of `fine_tune`. CDK cannot derive these: the tasks are SDK integrations."""
    names = arns.names
    return [
        allow(["lambda:InvokeFunction"], list(fine_tune.functions.values())),
        allow(
            ["sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:AddTags"],
            [arns.training_jobs],
        ),
        allow(["logs:CreateLogGroup", "logs:PutRetentionPolicy"], arns.log(TRAINING_LOG_GROUP)),
        pass_role(fine_tune.job.role_arn, "sagemaker"),
        allow(
            ["sagemaker:CreateModelPackage"],
            [
                arns.sagemaker(f"model-package-group/{names.model_package_group}"),
                arns.sagemaker(f"model-package/{names.model_package_group}/*"),
            ],
        ),
        allow(["ssm:PutParameter"], [arns.of("ssm", f"parameter{names.artifact_parameter}")]),
        allow(["cloudformation:DescribeStacks"], [arns.hosting_stack]),
        *switch_hosting(arns),
        allow(["sns:Publish"], [fine_tune.topic_arn]),
    ]
