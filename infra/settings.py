"""The settings of a deployment: read from four places, checked together, typed.

Later wins: `cdk.json` (`context.finexpert`, which has every key) → the JSON file named by
`FINEXPERT_SETTINGS` → `FINEXPERT_<KEY>` variables → `-c key=value` flags. docs/settings.md explains each key.

No CDK here: the command line reads the same settings.
"""

import difflib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from core import hyperparameters
from core.endpoint import adapters, weights
from core.money.prices import hourly, training_usd_per_hour
from core.money.reserve import Exposure
from core.money.settings import BudgetSettings
from core.names import Names
from core.reading import Problems, Reader, flag, one_of, readers, setting, whole
from core.reaper.settings import Kind, ReaperSettings, Scope
from infra import setting_checks as checks
from infra.setting_consistency import consistency

CDK_JSON = Path(__file__).resolve().parents[1] / "cdk.json"
FILE_VARIABLE = "FINEXPERT_SETTINGS"
VARIABLE_PREFIX = "FINEXPERT_"
_ENVIRONMENT = "environment"
_SURELY_MEANT = 0.8  # likeness from which an unknown FINEXPERT_ variable is taken for a misspelt setting


class SettingsError(Problems):
    """Some settings of the deployment cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting with its reader. Units are in the names; docs/settings.md has the meaning of each.

    The defaults are in cdk.json.
    """

    prefix: str = setting(checks.prefix)
    region: str = setting(checks.region)
    alert_email: str = setting(checks.alert_email)
    accept_eula: bool = setting(flag)
    base_model: str = setting(checks.base_model)
    base_model_version: str = setting(checks.base_model_version)
    base_model_uri: str = setting(checks.base_model_uri)
    training_instance_type: str = setting(str)
    training_instance_count: int = setting(whole(1, 16, "the number of training instances"))
    volume_gb: int = setting(whole(1, 16384, "the size of the training volume in GB"))
    spot: bool = setting(flag)
    max_runtime_minutes: int = setting(whole(5, 7200, "minutes"))
    max_wait_minutes: int = setting(whole(5, 14400, "minutes"))
    hosting: str = setting(one_of("components", "merged"))
    hosting_instance_type: str = setting(str)
    hyperparameters: Mapping[str, str] = setting(checks.hyperparameter_strings)
    budget_usd: float = setting(checks.dollars(zero_allowed=False))
    reserve_usd: float = setting(checks.dollars(zero_allowed=True))
    billing_guards: str = setting(one_of("all", "budget", "alarms"))
    retain_data: bool = setting(flag)
    customer_managed_key: bool = setting(flag)
    private_network: bool = setting(flag)
    subnet_ids: tuple[str, ...] = setting(checks.subnet_ids)
    security_group_ids: tuple[str, ...] = setting(checks.security_group_ids)
    permissions_boundary: str = setting(checks.permissions_boundary)
    role_path: str = setting(checks.role_path)
    cdk_qualifier: str = setting(checks.cdk_qualifier)
    tags: Mapping[str, str] = setting(checks.tags)
    idle_minutes: int = setting(whole(1, 10080, "minutes"))
    min_age_minutes: int = setting(whole(0, 10080, "minutes"))
    warn_minutes: int = setting(whole(0, 10080, "minutes"))
    metric_delay_minutes: int = setting(whole(0, 60, "minutes"))
    reaper_period_minutes: int = setting(whole(1, 480, "minutes"))
    reaper_scope: str = setting(one_of("project", "account"))
    reaper_dry_run: str = setting(checks.automatic_flag)
    reaper_regions: tuple[str, ...] = setting(checks.reaper_regions)
    max_deletes: int = setting(whole(0, 1000, "the most endpoints that one run may delete"))
    spend_guard_period_minutes: int = setting(whole(1, 60, "minutes"))
    latch_roles: tuple[str, ...] = setting(checks.latch_roles)
    poll_seconds: int = setting(whole(1, 600, "seconds"))
    retrieval: str = setting(one_of("text", "vectors"))
    web: bool = setting(flag)
    web_concurrency: int = setting(whole(0, 1000, "the page's Lambda functions at a time (0: none reserved)"))
    anomaly_monitor: bool = setting(flag)
    training_image: str = setting(checks.image)
    serving_image: str = setting(checks.image)
    notebook_repository: str = setting(checks.notebook_repository)

    @classmethod
    def load(cls, flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ) -> Self:
        """Read and check all settings.

        Args:
            flags: `-c key=value` of the command line; values are text or JSON types.
            environ: the environment variables.

        Raises:
            SettingsError: with all problems at once.
        """
        values: dict[str, Any] = {}
        problems: list[str] = []
        for origin, layer in _layers(flags or {}, environ, problems):
            for key, raw in layer.items():
                if key not in READERS:
                    problems.append(_unknown(key, raw, origin))
                    continue
                try:
                    value = READERS[key](raw)
                except ValueError as fix:
                    values.pop(key, None)
                    problems.append(f"{key} is {checks.show(raw)} ({origin}): {fix}")
                    continue
                values[key] = {**values.get(key, {}), **value} if key == "hyperparameters" else value
        problems += _missing(values, problems)
        problems += consistency(values)
        if problems:
            raise SettingsError(problems)
        return cls(**values)

    def deployed(self, *, alert_email: str) -> dict[str, Any]:
        """The stored form of these settings, which the command line reads with `of_deployed`.

        Args:
            alert_email: the address in force, which an earlier deploy may have been given.
        """
        # Gated weights are deployed only with the licence accepted, now or before.
        licence = self.accept_eula or self.gated
        return asdict(replace(self, alert_email=alert_email, accept_eula=licence))

    @classmethod
    def of_deployed(cls, document: Mapping[str, Any]) -> Self:
        """The settings that a deployment stored; ValueError: another version of the app stored them."""
        lists = ("reaper_regions", "latch_roles", "subnet_ids", "security_group_ids")
        try:
            return cls(**{**document, **{key: tuple(document[key]) for key in lists}})
        except (KeyError, TypeError) as error:
            raise ValueError(str(error)) from error

    @property
    def names(self) -> Names:
        """The names of all resources of this deployment."""
        return Names(project=self.prefix, region=self.region)

    @property
    def budget(self) -> BudgetSettings:
        """The month's budget as the functions that decide about money get it."""
        return BudgetSettings(
            project=self.prefix,
            hosting_stack=self.names.stack("Hosting"),
            budget_usd=self.budget_usd,
            reserve_usd=self.reserve_usd,
            exposure=Exposure(period_minutes=self.spend_guard_period_minutes),
        )

    @property
    def limit_usd(self) -> float:
        """Dollars at which everything is stopped while a training job and the endpoint run."""
        training = training_usd_per_hour(self.training_instance_type, self.volume_gb, self.region)
        endpoint = hourly(self.hosting_instance_type, self.region, "hosting").usd
        return self.budget.limit_usd(training * self.training_instance_count + endpoint)

    def reaper(self, *, topic_arn: str = "", audit_bucket: str = "") -> ReaperSettings:
        """The idle reaper's settings; it stops nothing but endpoints, and looks at other kinds too."""
        return ReaperSettings(
            project=self.prefix,
            region=self.region,
            idle=timedelta(minutes=self.idle_minutes),
            min_age=timedelta(minutes=self.min_age_minutes),
            warn=timedelta(minutes=self.warn_minutes),
            metric_delay=timedelta(minutes=self.metric_delay_minutes),
            scope=Scope(self.reaper_scope),
            dry_run=self.reaper_only_tells,
            max_deletes=self.max_deletes,
            audit_bucket=audit_bucket,
            topic_arn=topic_arn,
            hosting_stack=self.names.stack("Hosting"),
            regions=self.reaper_regions,
            other_kinds=tuple(Kind),
            ask_stacks=True,
        )

    @property
    def reaper_only_tells(self) -> bool:
        """Whether the idle reaper deletes nothing: by default in the scope `account`."""
        if self.reaper_dry_run == "auto":
            return self.reaper_scope == "account"
        return self.reaper_dry_run == "true"

    @property
    def served_rank(self) -> int:
        """The largest rank of an adapter that the endpoint loads; `adapters.ANY` with merged weights."""
        recipe = hyperparameters.parse(self.hyperparameters)
        return adapters.served_rank(recipe.lora_r, merged=self.hosting == "merged")

    @property
    def gated(self) -> bool:
        """Whether requests for the base weights must carry the accepted licence.

        They must for a model whose place is not known yet: only the hub can say that it needs none.
        """
        uri = self.base_model_uri or weights.known(self.base_model, self.region)
        return weights.is_gated(uri) or not uri

    @property
    def vectors(self) -> bool:
        """Whether the documents that were pushed are searched by vectors, too."""
        return self.retrieval == "vectors"

    @property
    def own_weights(self) -> bool:
        """Whether the base weights are the user's own, and not JumpStart's."""
        return bool(self.base_model_uri) and not weights.is_jumpstart(self.base_model_uri)

    @property
    def licensed_model(self) -> str:
        """The model of JumpStart whose licence `accept_eula` accepts."""
        return weights.model_of(self.base_model_uri) or self.base_model

    def base_model_location(self, data_bucket: str) -> str:
        """S3 prefix of the base weights in Hugging Face layout; `data_bucket`: the app's own bucket.

        Without base_model_uri it is what is known without the hub (see infra/base_weights.py); for a model of
        which nothing is known, a place where nothing lies, so that a template can be written.
        """
        if self.base_model_uri:
            return self.base_model_uri.replace("${DataBucket}", data_bucket)
        nowhere = f"s3://{weights.GATED_BUCKET}{self.region}/unknown/{self.base_model}/"
        return weights.known(self.base_model, self.region) or nowhere


READERS: Mapping[str, Reader] = readers(Settings)
"""The reader of each setting."""


def origins(flags: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """The place that each value of `Settings.load` comes from: `cdk.json`, a file's path, a variable, a flag.

    Each hyperparameter has its own line, `hyperparameters.NAME`, since they are merged one by one.
    """
    won: dict[str, str] = {}
    for origin, layer in _layers(flags, environ, []):
        for key, raw in layer.items():
            place = VARIABLE_PREFIX + key.upper() if origin == _ENVIRONMENT else origin
            inner = checks.hyperparameter_strings(raw) if key == "hyperparameters" else None
            won |= dict.fromkeys([key] if inner is None else [f"{key}.{name}" for name in inner], place)
    return won


NAMES = tuple(READERS)
"""Every setting's key."""

# Other keys in CDK's context are its own: they have dashes, colons or slashes.
_FLAG = re.compile(r"[a-z][a-z0-9_]*")


def flags_of(context: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among CDK's context, that is what `-c key=value` gave, misspelt ones too."""
    return {key: value for key, value in context.items() if _FLAG.fullmatch(key) and key != "finexpert"}


def _layers(
    flags: Mapping[str, Any], environ: Mapping[str, str], problems: list[str]
) -> list[tuple[str, Mapping[str, Any]]]:
    """The places that settings come from, weakest first; unreadable files are added to `problems`."""
    layers = [("cdk.json", _json_object(CDK_JSON, problems).get("context", {}).get("finexpert", {}))]
    named = environ.get(FILE_VARIABLE, "")
    if named:
        layers.append((named, _json_object(Path(named), problems)))
    variables = {
        name.removeprefix(VARIABLE_PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(VARIABLE_PREFIX) and name != FILE_VARIABLE
    }
    # Other programs may use FINEXPERT_ variables; one that resembles a setting is a typing error.
    meant = {key: value for key, value in variables.items() if _similar(key, _SURELY_MEANT)}
    layers.append((_ENVIRONMENT, meant))
    layers.append(("command line", flags))
    return layers


def _json_object(path: Path, problems: list[str]) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"{FILE_VARIABLE} is {checks.show(str(path))}: {error.strerror}; name a JSON file")
        return {}
    except (ValueError, RecursionError) as error:
        problems.append(f"{path}: not JSON ({error}); write one object of settings")
        return {}
    if not isinstance(document, dict):
        problems.append(f'{path}: not an object; write {{"setting": value, …}}')
        return {}
    return document


def _similar(key: str, likeness: float) -> list[str]:
    return difflib.get_close_matches(key, NAMES, n=1, cutoff=likeness)


def _unknown(key: str, raw: object, origin: str) -> str:
    close = _similar(key, 0.6)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(NAMES)}"
    return f"{key} is {checks.show(raw)} ({origin}): there is no such setting; {hint}"


def _missing(values: Mapping[str, Any], problems: Iterable[str]) -> list[str]:
    """Settings that no place gave; one that was given but could not be read has been reported already."""
    reported = {problem.split(" is ", 1)[0] for problem in problems}
    return [
        f"{name} is missing: write it in cdk.json, context.finexpert"
        for name in NAMES
        if name not in values and name not in reported
    ]
