"""The notebook instance: there by its setting only, and then valid, bounded, and gone with the app."""

from pathlib import Path
from typing import Any

import pytest

from tests.snapshot.rules.rule_set import broken
from tests.snapshot.snapshot_matrix import errors
from tests.snapshot.snapshot_synth import Templates, everywhere, synthesize

REPOSITORY = "https://github.com/someone/expert.git"
INSTANCE = "AWS::SageMaker::NotebookInstance"


def test_by_default_there_is_none(aws: Templates) -> None:
    assert list(everywhere(aws, INSTANCE)) == []


@pytest.mark.parametrize("flags", [{}, {"customer_managed_key": "true", "private_network": "true"}])
def test_the_setting_makes_one_in_a_stack_that_is_there_anyhow(flags: dict[str, Any], tmp_path: Path) -> None:
    stacks = synthesize(tmp_path, notebook_repository=REPOSITORY, idle_minutes="30", **flags)
    assert broken(stacks) == []
    ((place, instance),) = everywhere(stacks, INSTANCE)
    assert place.startswith("Training/")
    properties = instance["Properties"]
    assert properties["DefaultCodeRepository"] == REPOSITORY
    assert properties["InstanceType"] == "ml.t3.medium"
    assert ("KmsKeyId" in properties) is bool(flags)
    ((_, script),) = everywhere(stacks, f"{INSTANCE}LifecycleConfig")
    ((_, start),) = script["Properties"]["OnStart"][0]["Content"].items()
    assert "--minutes 30" in start
    if flags:  # linting takes seconds, and everything is in this one
        assert errors(tmp_path, "us-east-1") == []
