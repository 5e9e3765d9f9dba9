"""The latch: a managed policy that denies `sagemaker:Create*`, put on the roles that the settings name.

It never denies Delete or Stop. It is set at most once a month, so a person can take it off by hand for the
rest of the month, and it is removed when a new month begins.
"""

from typing import Any

from core.aws.errors import error_text
from core.guard.stopping import Stopped


def turn(iam: Any, policy_arn: str, roles: tuple[str, ...], outcome: Stopped, *, over: bool) -> bool:
    """Set the latch if the limit is reached, or lift one of an earlier month; whether it is set then.

    What was done, and what could not be, is added to `outcome`.
    """
    before = len(outcome.problems)
    for role in roles:
        try:
            if over:
                iam.attach_role_policy(RoleName=role, PolicyArn=policy_arn)
                outcome.done.append(f"role {role} may create nothing in SageMaker until next month")
                continue
            attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
            if any(policy["PolicyArn"] == policy_arn for policy in attached):
                iam.detach_role_policy(RoleName=role, PolicyArn=policy_arn)
                outcome.done.append(f"role {role} may create in SageMaker again: a new month")
        except Exception as error:
            verb = "denied" if over else "allowed again"
            outcome.problems.append(f"creating cannot be {verb} for role {role}: {error_text(error)}")
    return over and len(outcome.problems) == before
