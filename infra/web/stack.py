"""The analyst's page on AWS, by the setting `web`. Idle it costs nothing: all of it bills by the request."""

import json
from dataclasses import asdict, replace
from typing import Any

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.assets import Assets
from infra.functions import FunctionBase, ProjectFunction
from infra.project_stack import ProjectStack
from infra.settings import Settings
from infra.storage.vectors import index_arn
from infra.web.api import PageApi
from infra.web.permissions import page
from infra.web.sign_in import SignIn

#: An HTTP API waits 30 seconds for an answer.
TIMEOUT_MINUTES = 0.5
#: A Lambda's share of a core grows with its memory; half a core checks 4 MB of text in a few seconds.
MEMORY_MB = 1024


class WebStack(ProjectStack):
    """Sign-in, API and function; the other stacks are known by their names only.

    Args:
        assets: whose `web` is the function's code.
        key_arn: of the customer-managed key, if there is one.
    """

    def __init__(
        self, scope: Construct, settings: Settings, assets: Assets, key_arn: str | None, **kwargs: Any
    ) -> None:
        super().__init__(scope, settings, "Web", "the analyst's page", **kwargs)
        api = PageApi(self, "Page", key_arn=key_arn)
        sign_in = SignIn(self, "SignIn", page_url=api.url)
        code = lambda_.Code.from_asset(str(assets.web))
        function = ProjectFunction(
            self,
            "Answer",
            FunctionBase(arns=self.arns, code=code, key_arn=key_arn),
            purpose="web",
            handler="finexpert.web.aws.handler",
            environment={
                # The mail address is for the alarms; the page has no use for it.
                "SETTINGS": json.dumps(asdict(replace(settings, alert_email="")), sort_keys=True),
                "SIGN_IN_URL": sign_in.domain.base_url(),
                "CLIENT_ID": sign_in.client.user_pool_client_id,
            },
            permissions=page(
                self.arns,
                vector_index=index_arn(self.arns, own_key=key_arn is not None) if settings.vectors else "",
            ),
            timeout_minutes=TIMEOUT_MINUTES,
            memory_mb=MEMORY_MB,
            reserved_concurrency=settings.web_concurrency or None,
        ).function
        api.serve(function, sign_in)
        self.output("PageUrl", api.url, "The page")
        self.output("UserPoolId", sign_in.pool.user_pool_id, "Who may sign in: add people to this pool")
