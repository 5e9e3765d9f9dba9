"""The rules of rules/ over the stacks as they are deployed by default."""

from pathlib import Path

from tests.snapshot.rules.rule_set import broken, rules
from tests.snapshot.snapshot_synth import Templates, synthesize


def test_no_rule_is_broken(aws: Templates) -> None:
    assert len(rules()) > 10
    assert broken(aws) == []


def test_the_list_of_unbounded_actions_has_none_that_nothing_uses(aws: Templates, tmp_path: Path) -> None:
    rules()  # makes the rules' folder importable
    from tests.snapshot.rules.test_resources import UNBOUNDED, on_everything

    private = synthesize(tmp_path, private_network="true")
    assert {action for _, action in [*on_everything(aws), *on_everything(private)]} == UNBOUNDED
