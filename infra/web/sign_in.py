"""Sign-in to the page: for people that an administrator has added, by password and authenticator app."""

from aws_cdk import Duration, Fn, RemovalPolicy
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.project_stack import ProjectStack

TOKEN_HOURS = 1
#: A working day: then people sign in again.
SESSION_HOURS = 12
PASSWORD_LENGTH = 14
INVITATION_DAYS = 3


class SignIn(Construct):
    """A user pool that only an administrator adds people to, and its client: the page, which has no secret.

    The page gets its tokens by authorization code and PKCE; there is no other way in.

    Args:
        page_url: of the page, where people come back to after signing in and out.
    """

    def __init__(self, stack: ProjectStack, construct_id: str, *, page_url: str) -> None:
        super().__init__(stack, construct_id)
        names = stack.names
        self.pool = cognito.UserPool(
            self,
            "Pool",
            user_pool_name=names.user_pool,
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            password_policy=cognito.PasswordPolicy(
                min_length=PASSWORD_LENGTH,
                require_lowercase=True,
                require_uppercase=True,
                require_digits=True,
                require_symbols=True,
                temp_password_validity=Duration.days(INVITATION_DAYS),
            ),
            # Users are few and soon added again; what `cdk destroy` leaves behind, people forget.
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.client = self.pool.add_client(
            "Page",
            user_pool_client_name=names.user_pool,
            generate_secret=False,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID],
                callback_urls=[page_url],
                logout_urls=[page_url],
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=Duration.hours(TOKEN_HOURS),
            id_token_validity=Duration.hours(TOKEN_HOURS),
            refresh_token_validity=Duration.hours(SESSION_HOURS),
        )
        page = self.client.node.default_child
        assert isinstance(page, cognito.CfnUserPoolClient)
        # Else Cognito also takes passwords from the page itself.
        page.explicit_auth_flows = ["ALLOW_REFRESH_TOKEN_AUTH"]
        # All accounts of a region share these names; a stack's unique id does not reveal the account.
        unique = Fn.select(0, Fn.split("-", Fn.select(2, Fn.split("/", stack.stack_id))))
        self.domain = self.pool.add_domain(
            "Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=f"{names.name}-{unique}")
        )
