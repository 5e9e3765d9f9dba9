"""Rule: every permission names its actions whole; no action has a `*`."""

from collections.abc import Iterator

import pytest

from tests.snapshot.rules.rule_samples import role_with
from tests.snapshot.snapshot_synth import Templates, as_list, statements


def violations(stacks: Templates) -> Iterator[str]:
    for place, statement in statements(stacks):
        if "NotAction" in statement:
            yield f"{place}: everything but {statement['NotAction']}"
        for action in as_list(statement.get("Action", [])):
            if "*" in action:
                yield f"{place}: {action}"


def test_named_actions_comply() -> None:
    assert list(violations(role_with(Action=["s3:GetObject"], Resource="arn:aws:s3:::a/*"))) == []


@pytest.mark.parametrize("actions", [{"Action": "s3:*"}, {"Action": ["s3:Get*"]}, {"NotAction": "iam:*"}])
def test_patterns_of_actions_do_not(actions: dict[str, object]) -> None:
    assert list(violations(role_with(Resource="arn:aws:s3:::a/*", **actions)))
