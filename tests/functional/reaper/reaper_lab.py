"""What the reaper's functional tests share: roles, and policies less one right."""

import json
from collections.abc import Callable
from typing import Any

from core.names import Names
from localcloud import environment

NAMES = Names(project="FinExpert", region=environment.REGION)
AUDIT_BUCKET = NAMES.bucket("audit", environment.ACCOUNT)
MakeClient = Callable[[str], Any]
Statement = dict[str, Any]


def role(client: MakeClient, name: str, service: str, statements: list[Statement]) -> str:
    """A role for `service` with exactly these statements."""
    principal = {"Service": f"{service}.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    made = client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    permit(client, name, statements)
    return str(made["Role"]["Arn"])


def permit(client: MakeClient, name: str, statements: list[Statement]) -> None:
    """Give a role exactly these statements."""
    document = {"Version": "2012-10-17", "Statement": statements}
    client("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(document))


def without(statements: list[Statement], action: str) -> list[Statement]:
    """The statements less one action."""
    found = []
    for statement in statements:
        actions = [each for each in statement["Action"] if each != action]
        found += [{**statement, "Action": actions}] if actions else []
    return found
