"""Every combination of the settings that change the templates: valid, and no rule broken. Many minutes."""

from pathlib import Path

import pytest

from tests.snapshot.rules.rule_set import broken
from tests.snapshot.snapshot_matrix import Flags, called, errors, whole
from tests.snapshot.snapshot_synth import synthesize


@pytest.mark.parametrize("flags", list(whole()), ids=called)
def test_every_combination_of_settings_makes_valid_templates(flags: Flags, tmp_path: Path) -> None:
    stacks = synthesize(tmp_path, **flags)
    assert errors(tmp_path, flags["region"]) == []
    assert broken(stacks) == []
