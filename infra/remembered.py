"""Values that a deployment is asked for once: a later deploy, diff or destroy needs no setting for them."""

from aws_cdk import Annotations, CfnParameter
from aws_cdk import aws_ssm as ssm

from infra.project_stack import ProjectStack


def remembered(stack: ProjectStack, setting: str, given: str, *, ask: str, about: str = "") -> str:
    """The value that is given now, else the one that the deployed stack holds, in an SSM parameter.

    CloudFormation looks it up when the stack is created or updated, and refuses where there is none: so
    bootstrap, ls, synth, diff and destroy need no setting, and a deploy without one fails before it changes
    anything. `ask` says what to write; the CDK CLI shows it at synth, diff and deploy. `about`: what the
    value holds for, where a value for something else is no answer.
    """
    name, camel = stack.names.remembered(stack.suffix, setting), setting.title().replace("_", "")
    name = f"{name}/{about}" if about else name
    value = given
    if not given:
        Annotations.of(stack).add_warning_v2(f"finexpert:{setting}", ask)
        held = CfnParameter(
            stack, f"Held{camel}", type="AWS::SSM::Parameter::Value<String>", default=name, description=ask
        )
        value = held.value_as_string
    ssm.CfnParameter(stack, f"Remembered{camel}", type="String", name=name, value=value)
    return value
