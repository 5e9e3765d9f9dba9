"""Reading one setting (text or JSON to its type), and the checks that need several at once."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from core import hyperparameters as training_hyperparameters
from core.endpoint import adapters, weights
from core.instances import CAPACITIES
from core.money import prices

MIN_RUN_MINUTES = 15
"""The shortest fine-tune worth admitting: JumpStart's own job on the smallest dataset bills 804 seconds."""

NOTEBOOK_INSTANCE_TYPE = "ml.t3.medium"
"""The notebook instance's; the spend guard needs its price."""

COMPONENT_REGIONS = frozenset(
    {
        *(
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
        ),
        *(
            "ca-central-1",
            "eu-central-1",
            "eu-north-1",
            "eu-west-1",
            "eu-west-2",
            "me-central-1",
            "sa-east-1",
        ),
        *("us-east-1", "us-east-2", "us-west-2"),
    }
)
"""Commercial regions that have AWS::SageMaker::InferenceComponent, by the schemas of cfn-lint 1.58.0."""

LONGEST_QUOTE = 200
"""Characters of a value that a message quotes."""

_ACCOUNT_DIGITS = 12
_MAX_BUCKET_NAME = 63  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d")
_ROLE = re.compile(r"([\w+=,.@-]+/)*[\w+=.@-]{1,64}", re.ASCII)
_POLICY = re.compile(
    r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+|[\w+=,.@-]+(/[\w+=,.@-]+)*", re.ASCII
)
_ROLE_PATH = re.compile(r"/([\w+=,.@-]+/)*", re.ASCII)
_QUALIFIER = re.compile(r"[a-z0-9]{1,10}")
_SUBNETS, _GROUPS = re.compile(r"subnet-[0-9a-f]{8,17}"), re.compile(r"sg-[0-9a-f]{8,17}")
_TAG_TEXT = re.compile(r"[\w\s.:/=+@-]*")
_LONGEST_TAG = (128, 256)  # characters of key and value; source: EC2's page "Tag restrictions"
_MOST_TAGS = 40  # of the 50 that a resource takes: the rest are the app's and AWS's
_RESERVED_TAGS = ("aws:", "finexpert:")
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*")
_REPOSITORY = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+/?")
_S3_PREFIX = re.compile(r"s3://(\$\{DataBucket\}|[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/([^\s/]+/)+")

Reader = Callable[[Any], Any]


def show(value: object) -> str:
    """A setting's value as it is quoted in a message: the beginning of a long one."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"


def _whole(low: int, high: int, what: str) -> Reader:
    def read(raw: Any) -> int:
        number = float(raw) if isinstance(raw, (int, float, str)) and not isinstance(raw, bool) else math.nan
        if not number.is_integer() or not low <= number <= high:
            raise ValueError
        return int(number)

    return _explained(read, f"write {what} as a whole number from {low} to {high}")


def _dollars(*, zero_allowed: bool) -> Reader:
    def read(raw: Any) -> float:
        number = float(raw) if not isinstance(raw, bool) else math.nan
        if not math.isfinite(number) or number < 0 or (number == 0 and not zero_allowed):
            raise ValueError
        return number

    least = "at least 0" if zero_allowed else "more than 0"
    return _explained(read, f"write US dollars a month as a number of {least}, such as 25 (no currency sign)")


def _flag(raw: Any) -> bool:
    text = str(raw).strip().lower()
    if text not in ("true", "false"):
        raise ValueError("write true or false")
    return text == "true"


def _automatic_flag(raw: Any) -> str:
    text = str(raw).strip().lower()
    if text not in ("auto", "true", "false"):
        raise ValueError("write auto, true or false; auto is true for reaper_scope account")
    return text


def _regions(raw: Any) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(str(raw).replace(",", " ").split())) if isinstance(raw, str) else ()
    if not isinstance(raw, str) or not all(_REGION.fullmatch(name) for name in names):
        raise ValueError(
            'write regions with commas between, such as "us-east-1,eu-west-1"; "" is the own one'
        )
    return names


def _roles(raw: Any) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(raw.replace(",", " ").split())) if isinstance(raw, str) else ()
    if not isinstance(raw, str) or not all(_ROLE.fullmatch(name) for name in names):
        raise ValueError(
            'write names of IAM roles with commas between, path/name where they have a path; "" is no latch'
        )
    return names


def _ids(pattern: re.Pattern[str], example: str) -> Reader:
    def read(raw: Any) -> tuple[str, ...]:
        given = raw.replace(",", " ").split() if isinstance(raw, str) else raw
        if not isinstance(given, list) or not all(isinstance(i, str) and pattern.fullmatch(i) for i in given):
            raise ValueError(f'write ids with commas between, such as "{example}"; "" is none')
        return tuple(dict.fromkeys(given))

    return read


def _tags(raw: Any) -> dict[str, str]:
    """A JSON object, its text, or `Key=value,Key=value`."""
    if isinstance(raw, str) and not raw.lstrip().startswith("{"):
        pairs = [part.partition("=") for part in raw.split(",") if part.strip()]
        raw = {key.strip(): value.strip() for key, equals, value in pairs if equals}
        raw = raw if len(raw) == len(pairs) else None
    try:
        tags = hyperparameter_strings(raw)
    except ValueError:
        tags = None
    if tags is None or len(tags) > _MOST_TAGS or not all(map(_is_tag, tags, tags.values())):
        raise ValueError(
            f"write at most {_MOST_TAGS} tags as Key=value with commas between, such as CostCenter=42; keys"
            f" may not begin with {' or '.join(_RESERVED_TAGS)}"
        )
    return tags


def _is_tag(key: str, value: str) -> bool:
    fits = 0 < len(key) <= _LONGEST_TAG[0] and len(value) <= _LONGEST_TAG[1]
    plain = all(_TAG_TEXT.fullmatch(text) for text in (key, value))
    return fits and plain and not key.lower().startswith(_RESERVED_TAGS)


def _choice(*choices: str) -> Reader:
    def read(raw: Any) -> str:
        if raw not in choices:
            raise ValueError(f"write {' or '.join(choices)}")
        return str(raw)

    return read


def _matching(pattern: re.Pattern[str], fix: str, *, empty_allowed: bool = False) -> Reader:
    def read(raw: Any) -> str:
        if not isinstance(raw, str) or not (pattern.fullmatch(raw) or (empty_allowed and raw == "")):
            raise ValueError(fix)
        return raw

    return read


def _explained(read: Reader, fix: str) -> Reader:
    def explained(raw: Any) -> Any:
        try:
            return read(raw)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(fix) from None

    return explained


def hyperparameter_strings(raw: Any) -> dict[str, str]:
    """The `hyperparameters` object, or its JSON text; every value becomes a string, as jobs want it."""
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            raw = None
    if not isinstance(raw, Mapping) or any(isinstance(value, (Mapping, list)) for value in raw.values()):
        raise ValueError('write a JSON object of strings, such as {"epoch": "3"}')
    return {str(name): str(value) for name, value in raw.items()}


_IMAGE = _matching(
    re.compile(r"\S+/\S+"),
    'write a whole image URI (registry/repository:tag), or "" for the AWS container',
    empty_allowed=True,
)

READERS: Mapping[str, Reader] = {
    "prefix": _matching(
        _PREFIX, "write letters, digits and single hyphens, starting with a letter, such as FinExpert"
    ),
    "region": _matching(_REGION, "write an AWS region, such as us-east-1"),
    "alert_email": _matching(
        _EMAIL, "write the mail address that alerts go to, such as you@example.com", empty_allowed=True
    ),
    "accept_eula": _flag,
    "base_model": _matching(weights.MODEL_ID, f"write a JumpStart model id, such as {weights.LLAMA_2_7B}"),
    "base_model_version": _matching(
        weights.VERSION,
        'write a version of the model, such as 4.19.0, or "" for the newest',
        empty_allowed=True,
    ),
    "base_model_uri": _matching(
        _S3_PREFIX,
        "write s3://bucket/prefix/ with its closing slash, s3://${DataBucket}/prefix/ for the app's bucket,"
        ' or "" for the weights of base_model',
        empty_allowed=True,
    ),
    "training_instance_type": str,
    "training_instance_count": _whole(1, 16, "the number of training instances"),
    "volume_gb": _whole(1, 16384, "the size of the training volume in GB"),
    "spot": _flag,
    "max_runtime_minutes": _whole(5, 7200, "minutes"),
    "max_wait_minutes": _whole(5, 14400, "minutes"),
    "hosting": _choice("components", "merged"),
    "hosting_instance_type": str,
    "hyperparameters": hyperparameter_strings,
    "budget_usd": _dollars(zero_allowed=False),
    "reserve_usd": _dollars(zero_allowed=True),
    "retain_data": _flag,
    "customer_managed_key": _flag,
    "private_network": _flag,
    "subnet_ids": _ids(_SUBNETS, "subnet-0a1b2c3d,subnet-4e5f6a7b"),
    "security_group_ids": _ids(_GROUPS, "sg-0a1b2c3d"),
    "permissions_boundary": _matching(
        _POLICY, 'write the name or ARN of a managed policy, or "" for no boundary', empty_allowed=True
    ),
    "role_path": _matching(_ROLE_PATH, 'write a path of IAM such as /teams/finance/, or "/"'),
    "cdk_qualifier": _matching(
        _QUALIFIER,
        'write what `cdk bootstrap --qualifier` was given, at most 10 small letters and digits, or ""',
        empty_allowed=True,
    ),
    "tags": _tags,
    "idle_minutes": _whole(1, 10080, "minutes"),
    "min_age_minutes": _whole(0, 10080, "minutes"),
    "warn_minutes": _whole(0, 10080, "minutes"),
    "metric_delay_minutes": _whole(0, 60, "minutes"),
    "reaper_period_minutes": _whole(1, 480, "minutes"),
    "billing_guards": _choice("all", "budget", "alarms"),
    "reaper_scope": _choice("project", "account"),
    "reaper_dry_run": _automatic_flag,
    "reaper_regions": _regions,
    "max_deletes": _whole(0, 1000, "the most endpoints that one run may delete"),
    "spend_guard_period_minutes": _whole(1, 60, "minutes"),
    "latch_roles": _roles,
    "poll_seconds": _whole(1, 600, "seconds"),
    "web": _flag,
    "web_concurrency": _whole(0, 1000, "the page's Lambda functions at a time (0: none reserved)"),
    "anomaly_monitor": _flag,
    "training_image": _IMAGE,
    "serving_image": _IMAGE,
    "notebook_repository": _matching(
        _REPOSITORY,
        "write the https:// address of a Git repository that needs no password, such as"
        ' https://github.com/you/expert.git, or "" for no notebook instance',
        empty_allowed=True,
    ),
}
"""How each setting is read; a reader raises ValueError with the fix. Keys: the fields of `Settings`."""


def consistency(values: Mapping[str, Any]) -> list[str]:
    """What is wrong between settings that are each readable; checks of one that is not are left out."""
    checks: list[tuple[tuple[str, ...], Callable[..., list[str]]]] = [
        (("prefix", "region"), _bucket_name_fits),
        (("training_instance_type", "region"), _training_price),
        (("hosting_instance_type", "region"), _hosting_price),
        (("notebook_repository", "region"), _notebook_price),
        (("hosting", "region"), _components_offered),
        (("spot", "max_runtime_minutes", "max_wait_minutes"), _wait_covers_runtime),
        (("budget_usd", "reserve_usd"), _reserve_below_budget),
        (
            ("budget_usd", "reserve_usd", "training_instance_type", "training_instance_count", "region"),
            _budget_for_a_run,
        ),
        (("hyperparameters", "hosting"), _hyperparameters),
        (("web", "prefix"), _sign_in_name_allowed),
        (("subnet_ids", "security_group_ids"), _network_whole),
    ]
    return [
        problem
        for names, check in checks
        if all(name in values for name in names)
        for problem in check(*(values[name] for name in names))
    ]


ASK_MAIL = (
    'alert_email is "": the first deploy needs an address for alerts: write -c alert_email=you@example.com.'
    " A later deploy keeps it."
)


def ask_licence(model_id: str, licence: str) -> str:
    """What a deploy says that needs the licence of a gated model; `licence`: where it can be read."""
    return (
        f"accept_eula is false: the first deploy with {model_id} needs its licence accepted: read"
        f" {licence or 'it in the JumpStart console'} and write -c accept_eula=true, or set base_model_uri to"
        " your own weights. A later deploy keeps it."
    )


def _bucket_name_fits(prefix: str, region: str) -> list[str]:
    longest = f"{prefix.lower()}-artifacts-{'0' * _ACCOUNT_DIGITS}-{region}"
    excess = len(longest) - _MAX_BUCKET_NAME
    if excess <= 0:
        return []
    return [
        f"prefix is {show(prefix)}: bucket names in {region} would be {len(longest)} characters, S3 allows"
        f" {_MAX_BUCKET_NAME}; write at most {len(prefix) - excess} characters"
    ]


def _network_whole(subnets: tuple[str, ...], groups: tuple[str, ...]) -> list[str]:
    if bool(subnets) == bool(groups):
        return []
    given, missing = ("subnet_ids", "security_group_ids")[:: 1 if subnets else -1]
    return [f"{given} is given without {missing}: jobs and endpoint need both; write {missing} too"]


def _sign_in_name_allowed(web: bool, prefix: str) -> list[str]:
    """Source: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain.html"""
    taken = [word for word in ("aws", "amazon", "cognito") if word in prefix.lower()]
    if not web or not taken:
        return []
    return [
        f"prefix is {show(prefix)}: with web=true it begins the name of a Cognito domain, which must not hold"
        f" {taken[0]!r}; write another prefix"
    ]


def _training_price(instance_type: str, region: str) -> list[str]:
    return _unpriced("training_instance_type", instance_type, region, "training")


def _hosting_price(instance_type: str, region: str) -> list[str]:
    problems = _unpriced("hosting_instance_type", instance_type, region, "hosting")
    if problems or instance_type in CAPACITIES:
        return problems
    return [
        f"hosting_instance_type is {show(instance_type)}: its GPUs and memory are not known here, so nothing"
        f" can be placed on it; write one of {', '.join(CAPACITIES)}"
    ]


def _notebook_price(repository: str, region: str) -> list[str]:
    if not repository:
        return []
    problems = _unpriced("notebook_repository", NOTEBOOK_INSTANCE_TYPE, region, "notebook")
    return [f'{problem}; or write notebook_repository="" for no notebook instance' for problem in problems]


def _unpriced(setting: str, instance_type: str, region: str, component: prices.Component) -> list[str]:
    try:
        prices.hourly(instance_type, region, component)
    except prices.UnknownPrice as unknown:
        return [f"{setting} is {show(instance_type)}: {unknown}"]
    return []


def _components_offered(hosting: str, region: str) -> list[str]:
    if hosting != "components" or region in COMPONENT_REGIONS:
        return []
    return [
        f'hosting is "components": {region} has no inference components; write hosting=merged (one model on'
        f" a plain endpoint), or a region of {', '.join(sorted(COMPONENT_REGIONS))}"
    ]


def _wait_covers_runtime(spot: bool, max_runtime: int, max_wait: int) -> list[str]:
    if not spot or max_wait >= max_runtime:
        return []
    return [
        f"max_wait_minutes is {max_wait}: with spot it counts the waiting and the run, so write at least"
        f" max_runtime_minutes ({max_runtime})"
    ]


def _reserve_below_budget(budget: float, reserve: float) -> list[str]:
    if reserve < budget:
        return []
    return [
        f"reserve_usd is {reserve:g}: nothing would be left of budget_usd ({budget:g});"
        f" write less than {budget:g}"
    ]


def _budget_for_a_run(
    budget: float, reserve: float, instance_type: str, count: int, region: str
) -> list[str]:
    try:
        price = prices.hourly(instance_type, region, "training").usd
    except prices.UnknownPrice:
        return []  # said by _training_price
    cheapest = price * count * MIN_RUN_MINUTES / 60
    if reserve >= budget or budget - reserve >= cheapest:
        return []
    return [
        f"budget_usd is {budget:g}: less the reserve of {reserve:g} it does not pay for the shortest run,"
        f" {count} × {instance_type} for {MIN_RUN_MINUTES} minutes = ${cheapest:.2f};"
        f" write at least {reserve + cheapest:.2f}"
    ]


def _hyperparameters(values: Mapping[str, str], hosting: str) -> list[str]:
    try:
        read = training_hyperparameters.parse(values)
    except training_hyperparameters.HyperparameterError as error:
        return [f"hyperparameters: {problem}" for problem in error.problems]
    rank = adapters.ANY if hosting == "merged" else adapters.served_rank(read.lora_r)
    return [f"hyperparameters: {problem}" for problem in adapters.unservable(read, rank)]
