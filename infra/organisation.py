"""Company rules for everything that is deployed: boundary and path of roles, tags, CDK's qualifier."""

import jsii
from aws_cdk import App, Aspects, CfnResource, IAspect, Tags
from constructs import IConstruct

from infra.settings import Settings

_BOUNDARY = "@aws-cdk/core:permissionsBoundary"
_QUALIFIER = "@aws-cdk/core:bootstrapQualifier"


def prepare(app: App, settings: Settings) -> None:
    """Put into CDK's context what each stack reads when it is made; call it before there is one."""
    if boundary := settings.permissions_boundary:
        kind = "arn" if boundary.startswith("arn:") else "name"
        app.node.set_context(_BOUNDARY, {kind: boundary})
    if settings.cdk_qualifier:
        app.node.set_context(_QUALIFIER, settings.cdk_qualifier)


def govern(app: App, settings: Settings) -> None:
    """Give every role its path, those of CDK's own functions too, and everything the company's tags."""
    if settings.role_path != "/":
        Aspects.of(app).add(_RolePath(settings.role_path))
    for key, value in settings.tags.items():
        Tags.of(app).add(key, value)


@jsii.implements(IAspect)
class _RolePath:
    def __init__(self, path: str) -> None:
        self._path = path

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, CfnResource) and node.cfn_resource_type == "AWS::IAM::Role":
            node.add_property_override("Path", self._path)
