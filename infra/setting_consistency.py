"""Checks of settings that need several at once."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core import hyperparameters as training_hyperparameters
from core.endpoint import adapters
from core.instances import CAPACITIES
from core.money import prices
from infra.setting_checks import COMPONENT_REGIONS, NOTEBOOK_INSTANCE_TYPE, VECTORLESS_REGIONS, show

MIN_RUN_MINUTES = 15
"""The shortest fine-tune worth admitting: JumpStart's own job on the smallest dataset bills 804 seconds."""
_STORED = 2000
"""Characters of tags and latch_roles: all settings are stored in one SSM parameter, which holds 4,096."""
_ACCOUNT_DIGITS = 12
_MAX_BUCKET_NAME = 63  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html


def consistency(values: Mapping[str, Any]) -> list[str]:
    """Problems between settings that are each readable; checks of unreadable ones are left out."""
    checks: list[tuple[tuple[str, ...], Callable[..., Iterator[str]]]] = [
        (("prefix", "region"), _bucket_name_fits),
        (("training_instance_type", "region"), _training_price),
        (("hosting_instance_type", "region"), _hosting_price),
        (("notebook_repository", "region"), _notebook_price),
        (("hosting", "region"), _components_offered),
        (("retrieval", "region"), _vectors_offered),
        (("spot", "max_runtime_minutes", "max_wait_minutes"), _wait_covers_runtime),
        (("budget_usd", "reserve_usd"), _reserve_below_budget),
        (
            ("budget_usd", "reserve_usd", "training_instance_type", "training_instance_count", "region"),
            _budget_for_a_run,
        ),
        (("hyperparameters", "hosting"), _hyperparameters),
        (("web", "prefix"), _sign_in_name_allowed),
        (("subnet_ids", "security_group_ids"), _network_whole),
        (("tags", "latch_roles"), _short_enough),
    ]
    return [
        problem
        for names, check in checks
        if all(name in values for name in names)
        for problem in check(*(values[name] for name in names))
    ]


def _bucket_name_fits(prefix: str, region: str) -> Iterator[str]:
    longest = f"{prefix.lower()}-artifacts-{'0' * _ACCOUNT_DIGITS}-{region}"
    excess = len(longest) - _MAX_BUCKET_NAME
    if excess > 0:
        yield (
            f"prefix is {show(prefix)}: bucket names in {region} would be {len(longest)} characters, S3"
            f" allows {_MAX_BUCKET_NAME}; write at most {len(prefix) - excess} characters"
        )


def _network_whole(subnets: tuple[str, ...], groups: tuple[str, ...]) -> Iterator[str]:
    if bool(subnets) != bool(groups):
        given, missing = ("subnet_ids", "security_group_ids")[:: 1 if subnets else -1]
        yield f"{given} is given without {missing}: jobs and endpoint need both; write {missing} too"


def _short_enough(tags: Mapping[str, str], roles: tuple[str, ...]) -> Iterator[str]:
    length = len(json.dumps([tags, roles]))
    if length > _STORED:
        yield f"tags and latch_roles are {length} characters together; write at most {_STORED}"


def _sign_in_name_allowed(web: bool, prefix: str) -> Iterator[str]:
    """Source: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain.html"""
    taken = [word for word in ("aws", "amazon", "cognito") if word in prefix.lower()]
    if web and taken:
        yield (
            f"prefix is {show(prefix)}: with web=true it begins the name of a Cognito domain, which must not"
            f" hold {taken[0]!r}; write another prefix"
        )


def _training_price(instance_type: str, region: str) -> Iterator[str]:
    return _unpriced("training_instance_type", instance_type, region, "training")


def _hosting_price(instance_type: str, region: str) -> Iterator[str]:
    problems = list(_unpriced("hosting_instance_type", instance_type, region, "hosting"))
    yield from problems
    if not problems and instance_type not in CAPACITIES:
        yield (
            f"hosting_instance_type is {show(instance_type)}: its GPUs and memory are not known here, so"
            f" nothing can be placed on it; write one of {', '.join(CAPACITIES)}"
        )


def _notebook_price(repository: str, region: str) -> Iterator[str]:
    if repository:
        for problem in _unpriced("notebook_repository", NOTEBOOK_INSTANCE_TYPE, region, "notebook"):
            yield f'{problem}; or write notebook_repository="" for no notebook instance'


def _unpriced(setting: str, instance_type: str, region: str, component: prices.Component) -> Iterator[str]:
    try:
        prices.hourly(instance_type, region, component)
    except prices.UnknownPrice as unknown:
        yield f"{setting} is {show(instance_type)}: {unknown}"


def _components_offered(hosting: str, region: str) -> Iterator[str]:
    if hosting == "components" and region not in COMPONENT_REGIONS:
        yield (
            f'hosting is "components": {region} has no inference components; write hosting=merged (one model'
            f" on a plain endpoint), or a region of {', '.join(sorted(COMPONENT_REGIONS))}"
        )


def _vectors_offered(retrieval: str, region: str) -> Iterator[str]:
    if retrieval == "vectors" and region in VECTORLESS_REGIONS:
        yield f'retrieval is "vectors": {region} has no S3 Vectors; write retrieval=text, or another region'


def _wait_covers_runtime(spot: bool, max_runtime: int, max_wait: int) -> Iterator[str]:
    if spot and max_wait < max_runtime:
        yield (
            f"max_wait_minutes is {max_wait}: with spot it counts the waiting and the run, so write at least"
            f" max_runtime_minutes ({max_runtime})"
        )


def _reserve_below_budget(budget: float, reserve: float) -> Iterator[str]:
    if reserve >= budget:
        yield (
            f"reserve_usd is {reserve:g}: nothing would be left of budget_usd ({budget:g});"
            f" write less than {budget:g}"
        )


def _budget_for_a_run(
    budget: float, reserve: float, instance_type: str, count: int, region: str
) -> Iterator[str]:
    try:
        price = prices.hourly(instance_type, region, "training").usd
    except prices.UnknownPrice:
        return  # said by _training_price
    cheapest = price * count * MIN_RUN_MINUTES / 60
    if 0 < budget - reserve < cheapest:
        yield (
            f"budget_usd is {budget:g}: less the reserve of {reserve:g} it does not pay for the shortest run,"
            f" {count} × {instance_type} for {MIN_RUN_MINUTES} minutes = ${cheapest:.2f};"
            f" write at least {reserve + cheapest:.2f}"
        )


def _hyperparameters(values: Mapping[str, str], hosting: str) -> Iterator[str]:
    try:
        read = training_hyperparameters.parse(values)
        problems = adapters.unservable(read, adapters.served_rank(read.lora_r, merged=hosting == "merged"))
    except training_hyperparameters.HyperparameterError as error:
        problems = list(error.problems)
    yield from (f"hyperparameters: {problem}" for problem in problems)
