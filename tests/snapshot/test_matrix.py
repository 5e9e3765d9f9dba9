"""A sample of the settings' combinations, every pair of values in it: valid templates that break no rule.

The whole product is in tests/matrix.
"""

from itertools import combinations, product
from pathlib import Path

import pytest

from tests.snapshot.rules.rule_set import broken
from tests.snapshot.snapshot_matrix import SAMPLED, Flags, called, errors, sample, whole
from tests.snapshot.snapshot_synth import everywhere, synthesize


@pytest.mark.parametrize("flags", sample(), ids=called)
def test_any_settings_make_valid_templates(flags: Flags, tmp_path: Path) -> None:
    stacks = synthesize(tmp_path, **flags)
    assert errors(tmp_path, flags["region"]) == []
    assert broken(stacks) == []
    assert len(list(everywhere(stacks, "AWS::SageMaker::Endpoint"))) == 1
    assert bool(list(everywhere(stacks, "AWS::SageMaker::InferenceComponent"))) is ("hosting" not in flags)
    assert bool(list(everywhere(stacks, "AWS::KMS::Key"))) is ("customer_managed_key" in flags)
    assert bool(list(everywhere(stacks, "AWS::EC2::VPC"))) is ("private_network" in flags)
    assert ("Web" in stacks) is ("web" in flags)


def test_the_sample_has_every_pair_of_values() -> None:
    rows = [set(row.items()) for row in sample()]
    for first, second in combinations(SAMPLED.values(), 2):
        for a, b in product(first, second):
            absent = {key for value in (*first, *second) for key in value} - {*a, *b}
            wanted = {**a, **b}.items()
            assert any(wanted <= row and not absent & {key for key, _ in row} for row in rows), (a, b)


def test_the_whole_product_has_each_combination_once() -> None:
    combined = [tuple(sorted(flags.items())) for flags in whole()]
    assert len(combined) == len(set(combined)) == 3 * 2**8
