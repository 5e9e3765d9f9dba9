"""What the reaper's functional tests share: names, and policies less one right."""

from collections.abc import Callable
from typing import Any

from core.names import Names
from localcloud import environment
from tests.functional.cloud_session import policy

NAMES = Names(project="FinExpert", region=environment.REGION)
AUDIT_BUCKET = NAMES.bucket("audit", environment.ACCOUNT)
MakeClient = Callable[[str], Any]
Statement = dict[str, Any]


def permit(client: MakeClient, name: str, statements: list[Statement]) -> None:
    """Give a role exactly these statements."""
    client("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))


def without(statements: list[Statement], action: str) -> list[Statement]:
    """The statements less one action."""
    found = []
    for statement in statements:
        actions = [each for each in statement["Action"] if each != action]
        found += [{**statement, "Action": actions}] if actions else []
    return found
