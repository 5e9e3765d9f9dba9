"""Reads one setting: text or JSON to its type, or an error that says what to write instead."""

import json
import re
from collections.abc import Mapping
from typing import Any

from core.endpoint import weights
from core.reading import Reader, number, one_of

NOTEBOOK_INSTANCE_TYPE = "ml.t3.medium"
"""The notebook instance's; the spend guard needs its price."""

COMPONENT_REGIONS = frozenset(
    {
        *("ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
        *("ap-southeast-3", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2"),
        *("me-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-2"),
    }
)
"""Commercial regions that have AWS::SageMaker::InferenceComponent, by the schemas of cfn-lint 1.58.0."""

VECTORLESS_REGIONS = frozenset({"il-central-1", "me-central-1"})
"""Commercial regions that lack AWS::S3Vectors::Index, by the schemas of cfn-lint 1.58.0."""

LONGEST_QUOTE = 200
"""Characters of a value that a message quotes."""

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


def show(value: object) -> str:
    """A setting's value as it is quoted in a message: the beginning of a long one."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"


def dollars(*, zero_allowed: bool) -> Reader:
    """A reader of US dollars a month."""
    least = "at least 0" if zero_allowed else "more than 0"
    wanted = f"write US dollars a month as a number of {least}, such as 25 (no currency sign)"
    return number(0, above_low=not zero_allowed, wanted=wanted)


def listed(pattern: re.Pattern[str], fix: str) -> Reader:
    """Reader of a text with commas or blanks between its parts, or of a list of them; each part once."""

    def read(raw: Any) -> tuple[str, ...]:
        given = raw.replace(",", " ").split() if isinstance(raw, str) else raw
        if not isinstance(given, list) or not all(isinstance(i, str) and pattern.fullmatch(i) for i in given):
            raise ValueError(fix)
        return tuple(dict.fromkeys(given))

    return read


def tags(raw: Any) -> dict[str, str]:
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


def matching(pattern: re.Pattern[str], fix: str, *, empty_allowed: bool = False) -> Reader:
    """A reader of text of a pattern; `fix` says what to write."""

    def read(raw: Any) -> str:
        if not isinstance(raw, str) or not (pattern.fullmatch(raw) or (empty_allowed and raw == "")):
            raise ValueError(fix)
        return raw

    return read


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


image = matching(
    re.compile(r"\S+/\S+"),
    'write a whole image URI (registry/repository:tag), or "" for the AWS container',
    empty_allowed=True,
)

automatic_flag = one_of("auto", "true", "false", more="; auto is true for reaper_scope account")
prefix = matching(
    _PREFIX, "write letters, digits and single hyphens, starting with a letter, such as FinExpert"
)
region = matching(_REGION, "write an AWS region, such as us-east-1")
alert_email = matching(
    _EMAIL, "write the mail address that alerts go to, such as you@example.com", empty_allowed=True
)
base_model = matching(weights.MODEL_ID, f"write a JumpStart model id, such as {weights.LLAMA_2_7B}")
base_model_version = matching(
    weights.VERSION,
    'write a version of the model, such as 4.19.0, or "" for the newest',
    empty_allowed=True,
)
base_model_uri = matching(
    _S3_PREFIX,
    "write s3://bucket/prefix/ with its closing slash, s3://${DataBucket}/prefix/ for the app's bucket,"
    ' or "" for the weights of base_model',
    empty_allowed=True,
)
subnet_ids = listed(
    _SUBNETS, 'write ids with commas between, such as "subnet-0a1b2c3d,subnet-4e5f6a7b"; "" is none'
)
security_group_ids = listed(_GROUPS, 'write ids with commas between, such as "sg-0a1b2c3d"; "" is none')
permissions_boundary = matching(
    _POLICY, 'write the name or ARN of a managed policy, or "" for no boundary', empty_allowed=True
)
role_path = matching(_ROLE_PATH, 'write a path of IAM such as /teams/finance/, or "/"')
cdk_qualifier = matching(
    _QUALIFIER,
    'write what `cdk bootstrap --qualifier` was given, at most 10 small letters and digits, or ""',
    empty_allowed=True,
)
reaper_regions = listed(
    _REGION, 'write regions with commas between, such as "us-east-1,eu-west-1"; "" is the own one'
)
latch_roles = listed(
    _ROLE,
    'write names of IAM roles with commas between, path/name where they have a path; "" is no latch',
)
notebook_repository = matching(
    _REPOSITORY,
    "write the https:// address of a Git repository that needs no password, such as"
    ' https://github.com/you/expert.git, or "" for no notebook instance',
    empty_allowed=True,
)


ASK_MAIL = (
    'alert_email is "": the first deploy needs an address for alerts: write -c alert_email=you@example.com.'
    " A later deploy keeps it."
)


def ask_licence(model_id: str, licence: str) -> str:
    """The message of a deploy that needs the licence of a gated model; `licence`: where it can be read."""
    return (
        f"accept_eula is false: the first deploy with {model_id} needs its licence accepted: read"
        f" {licence or 'it in the JumpStart console'} and write -c accept_eula=true, or set base_model_uri to"
        " your own weights. A later deploy keeps it."
    )
