"""The settings that change the templates, and the combinations of them that are synthesized and checked."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import Any

from cfnlint.config import ConfigMixIn
from cfnlint.decode import decode_str
from cfnlint.runner import Runner

Flags = dict[str, Any]
Dimension = Sequence[Flags]

PLACES: Dimension = (
    {"region": "us-east-1"},
    {
        "region": "us-west-2",
        "training_instance_type": "ml.g5.xlarge",
        "hosting_instance_type": "ml.g5.12xlarge",
    },
    # The types of this one have no local disks, so that volumes can have a key.
    {
        "region": "eu-west-1",
        "training_instance_type": "ml.p3.2xlarge",
        "hosting_instance_type": "ml.m5.xlarge",
    },
)
OWN_WEIGHTS = {"base_model_uri": "s3://${DataBucket}/weights/llama/", "accept_eula": "false"}


def either(**flags: str) -> Dimension:
    """The defaults, or these."""
    return ({}, flags)


DIMENSIONS: Mapping[str, Dimension] = {
    "place": PLACES,
    "weights": (({}), OWN_WEIGHTS),
    "spot": either(spot="true"),
    "key": either(customer_managed_key="true"),
    "network": either(private_network="true"),
    "data": either(retain_data="true"),
    "hosting": either(hosting="merged"),
    "instances": either(training_instance_count="2"),
    "budget": either(budget_usd="250"),
}
"""What the whole product is made of (tests/matrix)."""

SAMPLED: Mapping[str, Dimension] = {
    **DIMENSIONS,
    "place": (PLACES[0], PLACES[2]),  # cfn-lint takes seconds to read each region's schemas
    "name": either(prefix="Desk-2"),
    "reaper": either(reaper_scope="account", reaper_regions="us-east-1,eu-west-1"),
    "web": either(web="true"),
    "containers": either(
        training_image="123456789012.dkr.ecr.us-east-1.amazonaws.com/own/training:1",
        serving_image="123456789012.dkr.ecr.us-east-1.amazonaws.com/own/serving:1",
    ),
}
"""What the sample is taken from, two values each: also settings that change little."""


def whole() -> Iterator[Flags]:
    """Every combination of `DIMENSIONS`."""
    return (merged(choice) for choice in product(*DIMENSIONS.values()))


def sample() -> list[Flags]:
    """Seven combinations in which each value of each dimension meets each value of every other one.

    The first has the first values alone. Of the other six, each dimension has its second value in four,
    and no two dimensions in the same four: so any two second values meet, and each meets the other's first.
    Source: Kleitman and Spencer, "Families of k-independent sets", 1973.
    """
    fours = list(zip(SAMPLED.values(), combinations(range(6), 4), strict=False))  # there are 15 fours
    rows = [[(dimension, number in four) for dimension, four in fours] for number in (None, *range(6))]
    return [merged([dimension[second] for dimension, second in row]) for row in rows]


def merged(choice: Sequence[Flags]) -> Flags:
    """One set of flags of a value of each dimension."""
    return {key: value for flags in choice for key, value in flags.items()}


def called(flags: Flags) -> str:
    """A combination's name in the tests' output."""
    return ",".join(flags.get(key, "") if key == "region" else key for key in flags) or "defaults"


def errors(assembly: Path, region: str) -> list[str]:
    """What cfn-lint calls an error in any template of the assembly; its warnings concern CDK's own style."""
    found = []
    for template in sorted(assembly.glob("*.template.json")):
        # Billing is always in us-east-1; the others are held against the region they are for.
        where = "us-east-1" if "-Billing" in template.name else region
        text = template.read_text(encoding="utf-8")
        found += [f"{template.name}: {error}" for error in _errors_of(text, where)]
    return found


@cache
def _errors_of(template: str, region: str) -> list[str]:
    """Many combinations share templates; each is linted once."""
    decoded, unreadable = decode_str(template)
    matches = [*unreadable, *([] if decoded is None else _linter(region).validate_template(decoded))]
    return [f"{match.rule.id} {match.message}" for match in matches]


@cache
def _linter(region: str) -> Runner:
    """cfn-lint's rules for a region, read once: reading them takes half as long as a template's check."""
    return Runner(ConfigMixIn(regions=[region], ignore_checks=["W", "I"]))
