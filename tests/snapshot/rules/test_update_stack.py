"""Rule: UpdateStack names the role, the resource types and no new template.

Without them it is an administrator's right: it takes any template, and CloudFormation carries it out with the
role that the stack was deployed with.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from core.endpoint.hosting import RESOURCE_TYPES
from tests.snapshot.rules.rule_samples import role_with
from tests.snapshot.snapshot_synth import Templates, as_list, statements

CHANGING = {
    f"cloudformation:{action}"
    for action in (
        "UpdateStack",
        "CreateStack",
        "CreateChangeSet",
        "ExecuteChangeSet",
        "ContinueUpdateRollback",
    )
}
GOOD: dict[str, Any] = {
    "StringEquals": {"cloudformation:RoleArn": "arn:aws:iam::1:role/narrow"},
    "Null": {"cloudformation:TemplateUrl": "true", "cloudformation:ResourceTypes": "false"},
    "ForAllValues:StringEquals": {"cloudformation:ResourceTypes": list(RESOURCE_TYPES)},
}


def violations(stacks: Templates) -> Iterator[str]:
    for place, statement in statements(stacks):
        actions = CHANGING & set(as_list(statement.get("Action", [])))
        if actions and not _narrow(statement.get("Condition", {})):
            yield f"{place}: {', '.join(sorted(actions))} with any template under any role"


def _narrow(condition: dict[str, Any]) -> bool:
    role = condition.get("StringEquals", {}).get("cloudformation:RoleArn")
    types = condition.get("ForAllValues:StringEquals", {}).get("cloudformation:ResourceTypes", [])
    return (
        role is not None
        and "*" not in json.dumps(role)
        and condition.get("Null") == GOOD["Null"]
        and bool(types)
        and set(as_list(types)) <= set(RESOURCE_TYPES)
    )


def update(condition: dict[str, Any] | None) -> Templates:
    more = {"Condition": condition} if condition else {}
    return role_with(
        Action="cloudformation:UpdateStack", Resource="arn:aws:cloudformation:::stack/a/*", **more
    )


def test_an_update_bound_to_role_and_types_complies() -> None:
    assert list(violations(update(GOOD))) == []


@pytest.mark.parametrize("missing", [None, *GOOD])
def test_an_update_without_one_of_them_does_not(missing: str | None) -> None:
    without = {key: value for key, value in GOOD.items() if key != missing} if missing else None
    assert list(violations(update(without)))
