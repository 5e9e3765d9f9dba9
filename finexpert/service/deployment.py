"""The deployed app as the command line finds it: its settings, and the outputs of its stacks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.aws.errors import error_text, if_there, is_missing
from core.aws.s3 import S3Address, sizes
from core.names import BILLING_REGION, Names
from finexpert.errors import NotDeployed, UserError
from finexpert.service.target import Target

if TYPE_CHECKING:
    from infra.settings import Settings

STACKS = ("Storage", "Training", "Hosting", "Guardrails", "Billing")


@dataclass(frozen=True)
class Deployment:
    """The app on one cloud. Reads a stack's outputs when first asked for one of them.

    Args:
        settings: of the deployed app where it stored them (see `find`), else those of this shell; what was
            given with `-c` stands over both.
        local: the settings of this shell, where the deployed app has its own.
        stored: what the deployed app has, without what was given with `-c`.
        problem: why the deployed app's settings cannot be read; "" where they were, or where there are none.
    """

    target: Target
    settings: Settings
    local: Settings | None = None
    problem: str = ""
    stored: Settings | None = None
    _outputs: dict[str, dict[str, str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def differences(self) -> dict[str, tuple[Any, Any]]:
        """The settings that differ, by name: (of the deployed app, of this shell)."""
        if self.local is None or self.stored is None:
            return {}
        deployed, here = flat(self.stored), flat(self.local)
        kept = {name for name in KEPT if not here[name]}  # not asked for again: see infra/remembered.py
        return {
            name: (deployed.get(name), here.get(name))
            for name in {**deployed, **here}
            if name not in kept and deployed.get(name) != here.get(name)
        }

    @property
    def names(self) -> Names:
        """The names of all its resources."""
        return self.settings.names

    def output(self, part: str, key: str) -> str:
        """One stack output.

        Args:
            part: the stack without the prefix, one of `STACKS`, or `Web` where that is wanted.
            key: the output's name.

        Raises:
            UserError: the stack or the output does not exist here.
        """
        if part not in self._outputs:
            outputs = describe_stack(self, part).get("Outputs", [])
            self._outputs[part] = {each["OutputKey"]: each["OutputValue"] for each in outputs}
        try:
            return self._outputs[part][key]
        except KeyError:
            raise UserError(
                f"The stack has no output {key}: it was deployed by another version of the app.",
                where=self.names.stack(part),
                fix="Deploy again: cdk deploy --all",
            ) from None

    @property
    def data_bucket(self) -> str:
        """The name of the bucket that holds datasets and own base weights."""
        return self.output("Storage", "DataBucketName")


KEPT = ("alert_email", "accept_eula", "base_model_uri")
"""Settings that a deployment may have, from an earlier deploy or the hub, where this shell has none."""


def flat(settings: Settings) -> dict[str, Any]:
    """The values of settings by name; a hyperparameter is called `hyperparameters.NAME`."""
    values = asdict(settings)
    inner = values.pop("hyperparameters")
    return values | {f"hyperparameters.{name}": value for name, value in inner.items()}


def find(target: Target) -> Deployment:
    """The app on `target` with the settings that it was deployed with, which its guards go by.

    Where the app is not deployed, or is of a version that stored none, the settings are those of this shell.

    Raises:
        infra.settings.SettingsError: the settings of this shell cannot be used.
    """
    from infra.settings import Settings

    local = target.settings()
    try:
        client = target.client("ssm")
        stored = client.get_parameter(Name=local.names.settings_parameter)["Parameter"]["Value"]
        settings = Settings.of_deployed(json.loads(stored))
    except ValueError as error:
        return Deployment(target, local, problem=f"another version of the app stored them ({error})")
    except Exception as error:
        problem = "" if is_missing(error) else error_text(error)
        return Deployment(target, local, problem=problem)
    return Deployment(target, _assumed(settings, local, target.flags), local, stored=settings)


def _assumed(stored: Settings, local: Settings, flags: Mapping[str, Any]) -> Settings:
    """The stored settings changed by the flags `-c`, so that plan and doctor can answer "what if"."""
    from infra.setting_checks import hyperparameter_strings

    given = {name: getattr(local, name) for name in flags if name != "hyperparameters"}
    if given.keys() & {"base_model", "base_model_version"}:
        given.setdefault(
            "base_model_uri", local.base_model_uri
        )  # what the deployed app found is of its model
    recipe = hyperparameter_strings(flags["hyperparameters"]) if "hyperparameters" in flags else {}
    return replace(stored, **given, hyperparameters={**stored.hyperparameters, **recipe})


def require_deployed(deployment: Deployment) -> None:
    """Check that the app is deployed in the region looked at. Billing is in us-east-1 wherever the app is.

    Raises:
        NotDeployed: none of its other stacks is here.
    """
    for part in (part for part in STACKS if part != "Billing"):
        try:
            describe_stack(deployment, part)
        except NotDeployed as absent:
            missing = absent
        else:
            return
    raise missing


def describe_stack(deployment: Deployment, part: str) -> Mapping[str, Any]:
    """DescribeStacks of one stack of the app.

    Raises:
        NotDeployed: it is not there, or only as a change set that was never executed.
    """
    name = deployment.names.stack(part)
    # The Billing stack is always in the region where AWS publishes charges.
    client = deployment.target.client("cloudformation", BILLING_REGION if part == "Billing" else None)
    stacks = if_there(lambda: client.describe_stacks(StackName=name)["Stacks"])
    if not stacks or stacks[0].get("StackStatus") == "REVIEW_IN_PROGRESS":
        raise NotDeployed(
            f"The stack {name} is not deployed here.", where=_place(deployment), fix=_way(deployment)
        )
    return dict(stacks[0])


def _place(deployment: Deployment) -> str:
    """Which cloud, account and region were looked at."""
    try:
        return deployment.target.describe()
    except Exception:  # the account is not known; the region still is
        return f"on AWS region {deployment.target.region}"


def _way(deployment: Deployment) -> str:
    wanted, acting = (deployment.local or deployment.settings).region, deployment.target.region
    if acting != wanted:
        return (
            f"The setting region is {wanted}, this shell's region is {acting}: export AWS_REGION={wanted}"
            f" AWS_DEFAULT_REGION={wanted}"
        )
    return (
        "Deploy the app: cdk bootstrap && cdk deploy --all (embedded cloud: finexpert demo --keep). If it has"
        " another prefix, name it: -c prefix=…"
    )


def base_place(deployment: Deployment) -> S3Address:
    """The folder of the base's files, as the settings name it. Only the app's own bucket must be deployed."""
    named, mark = deployment.settings.base_model_location, "${DataBucket}"
    own = deployment.data_bucket if mark in named(mark) else ""
    return S3Address.parse(named(own)).folder


def base_config(deployment: Deployment) -> dict[str, Any]:
    """The base's config.json; botocore's errors where it cannot be read."""
    bucket, key = base_place(deployment) / "config.json"
    body = deployment.target.client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    found: dict[str, Any] = json.loads(body.read())
    return found


def base_bytes(deployment: Deployment) -> int:
    """The size of the base's weights; botocore's errors where they cannot be read."""
    files = sizes(deployment.target.client("s3"), base_place(deployment))
    return sum(count for name, count in files.items() if "/" not in name and name.endswith(".safetensors"))
