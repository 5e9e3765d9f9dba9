"""The way in from the internet: an HTTP API that asks for a token, limits the rate, and keeps a log."""

import json

from aws_cdk import aws_apigatewayv2 as api
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from core.names import SIGN_IN_SCOPE
from infra.project_stack import ProjectStack
from infra.retention import project_log_group
from infra.web.sign_in import SignIn

#: Requests a second, of all users together: a page makes less than one, and each costs money.
RATE, BURST = 10, 40

#: Of these, for what needs no sign-in (the page's files): strangers cannot take the users' share, and a month
#: of them costs what docs/web.md says. A browser keeps the files, so a page asks once.
OPEN_RATE, OPEN_BURST = 0.5, 100
OPEN_PATHS = ("/", "/{proxy+}")

#: The request, its sender and its end. Neither query nor body: they hold file names, questions, answers.
LOG_FIELDS = {
    "time": "$context.requestTime",
    "id": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "user": "$context.authorizer.claims.sub",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "milliseconds": "$context.responseLatency",
    "error": "$context.error.message",
}


class PageApi(Construct):
    """One origin for the page and its API, so no other origin is ever allowed in (no CORS).

    The page itself is for everyone: it holds no data, and people must see it to sign in.

    Args:
        key_arn: of the customer-managed key that encrypts the log.
    """

    def __init__(self, stack: ProjectStack, construct_id: str, *, key_arn: str | None) -> None:
        super().__init__(stack, construct_id)
        names = stack.names
        self.api = api.HttpApi(
            self,
            "Api",
            api_name=names.web,
            description=f"The page of {names.project}",
            create_default_stage=False,
        )
        log_group = project_log_group(
            self, "AccessLog", name=f"/aws/vendedlogs/apis/{names.web}", key_arn=key_arn
        )
        self._stage = api.CfnStage(  # the construct of CDK takes the log's format from TypeScript only
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=api.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=RATE, throttling_burst_limit=BURST
            ),
            access_log_settings=api.CfnStage.AccessLogSettingsProperty(
                destination_arn=log_group.log_group_arn, format=json.dumps(LOG_FIELDS)
            ),
        )

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"{self.api.api_endpoint}/"

    def serve(self, function: lambda_.IFunction, sign_in: SignIn) -> None:
        """Let `function` answer everything: what is below /api/ only with a token of `sign_in`."""
        integration = integrations.HttpLambdaIntegration("Function", function)
        signed_in = authorizers.HttpUserPoolAuthorizer(
            "SignedIn", sign_in.pool, user_pool_clients=[sign_in.client]
        )
        for path, methods, authorizer in (
            *((path, [api.HttpMethod.GET], None) for path in OPEN_PATHS),
            ("/api/{proxy+}", [api.HttpMethod.GET, api.HttpMethod.POST], signed_in),
        ):
            routes = self.api.add_routes(
                path=path,
                methods=methods,
                integration=integration,
                authorizer=authorizer,
                # Only an access token has a scope: an ID token says who somebody is, not what they may.
                authorization_scopes=[SIGN_IN_SCOPE] if authorizer else None,
            )
            for route in routes:  # the stage's settings name routes, which must be there before
                self._stage.node.add_dependency(route)
        limit = {"ThrottlingRateLimit": OPEN_RATE, "ThrottlingBurstLimit": OPEN_BURST}
        self._stage.route_settings = {f"GET {path}": limit for path in OPEN_PATHS}
