"""The cost of a run before it starts: as admission decides it, and as the demo estimates it for AWS."""

from dataclasses import dataclass, field
from datetime import datetime

from core.admission import planning, reservations
from core.admission.decision import Admission, BudgetExceeded, CheaperWay, JobRequest, decide, options
from core.endpoint import adapters
from core.hyperparameters import parse
from core.money import prices
from core.money.training_time import (
    DOWNLOAD_SECONDS,
    EVALUATION_SPEEDUP,
    LOAD_SECONDS,
    TRAIN_TOKENS_PER_SECOND,
    training_seconds,
)
from finexpert.service.deployment import Deployment, base_config
from finexpert.service.money.costs import month_to_date
from finexpert.text import duration, usd


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`admission` is None where the run would be refused; `refusal` then has the sum.

    `available_usd`: the budget without what is spent, bound by jobs, and reserved. `price_age_days`: of the
    instance's price. `unservable`: why the endpoint could not load the run's adapter, a sentence each.
    """

    admission: Admission | None
    refusal: str
    worst_case_usd: float
    available_usd: float
    cheaper: list[CheaperWay]
    price: str
    price_age_days: int
    unservable: list[str] = field(default_factory=list)


def plan(deployment: Deployment, *, training_tokens: float, now: datetime) -> Plan:
    """Decide on the configured job as admission would decide now.

    Args:
        training_tokens: tokens that the optimizer would see, all epochs together.

    Raises:
        UnknownPrice, SpendUnknown: the same reasons for which nothing would be started.
    """
    request = job_request(deployment, training_tokens=training_tokens)
    bucket = deployment.output("Storage", "ArtifactBucketName")
    book = reservations.read(deployment.target.client("s3"), bucket)
    money = planning.money(
        deployment.settings.budget, month_to_date(deployment, now=now), book.standing("", now)
    )
    price = prices.hourly(request.instance_type, deployment.settings.region, "training")
    admission, refusal = None, ""
    try:
        admission = decide(request, money)
    except BudgetExceeded as refused:
        refusal = str(refused)
    return Plan(
        admission=admission,
        refusal=refusal,
        worst_case_usd=request.worst_usd,
        available_usd=money.available_usd(request.rate),
        cheaper=options(request, money),
        price=str(price),
        price_age_days=price.age_days(now),
        unservable=unservable(deployment),
    )


def unservable(deployment: Deployment) -> list[str]:
    """Why the endpoint's container could not load the adapter of a run as configured, a sentence each.

    The family is known only of your own weights, where they can be read.
    """
    settings = deployment.settings
    problems = adapters.unservable(parse(settings.hyperparameters), settings.served_rank)
    if not settings.own_weights:
        return problems
    try:
        family = str(base_config(deployment).get("model_type"))
    except Exception:  # not uploaded yet, or not readable from here: the run says so itself
        return problems
    return [*problems, *adapters.unservable_family(family, settings.served_rank)]


def job_request(deployment: Deployment, *, training_tokens: float) -> JobRequest:
    """The configured job with its prices, in the form in which admission decides on it.

    Raises:
        UnknownPrice: its instance type has none.
    """
    settings = deployment.settings
    job = planning.JobSettings(
        region=settings.region,
        instance_type=settings.training_instance_type,
        instances=settings.training_instance_count,
        volume_gb=settings.volume_gb,
        max_runtime_seconds=settings.max_runtime_minutes * 60,
        max_wait_seconds=settings.max_wait_minutes * 60,
    )
    return planning.request(job, spot=settings.spot, training_tokens=training_tokens)


@dataclass(frozen=True)
class Sum:
    """One line of the estimate: how it comes about, in words, and dollars."""

    what: str
    how: str
    usd: float


def training(
    trained_tokens: int,
    evaluated_tokens: int,
    *,
    instance_type: str,
    instance_count: int,
    usd_per_hour: float,
) -> Sum:
    """The training job's line. `usd_per_hour`: of one instance."""
    seconds = training_seconds(trained_tokens, evaluated_tokens)
    parts = [
        f"{DOWNLOAD_SECONDS} s start and download + {LOAD_SECONDS} s load",
        f"{trained_tokens:,} tokens ÷ {TRAIN_TOKENS_PER_SECOND} tokens/s",
    ]
    if evaluated_tokens:
        parts.append(
            f"{evaluated_tokens:,} evaluated ÷ {TRAIN_TOKENS_PER_SECOND * EVALUATION_SPEEDUP} tokens/s"
        )
    how = f"{' + '.join(parts)} = {seconds:,.0f} s × {_rate(instance_type, instance_count, usd_per_hour)}"
    return Sum("Training job", how, seconds / 3600 * usd_per_hour * instance_count)


def hosting(seconds: float, *, instance_type: str, usd_per_hour: float) -> Sum:
    """The endpoint's line: as long as it was awake here. On AWS it starts slower and idles longer."""
    how = f"{duration(seconds)} awake, as here × {_rate(instance_type, 1, usd_per_hour)}"
    return Sum("Endpoint", how, seconds / 3600 * usd_per_hour)


def total(sums: list[Sum]) -> Sum:
    """The last line of the estimate: the sum of the others."""
    return Sum("Together", " + ".join(usd(line.usd) for line in sums), sum(line.usd for line in sums))


def _rate(instance_type: str, count: int, usd_per_hour: float) -> str:
    instances = f"{count} × {instance_type}" if count > 1 else instance_type
    return f"${usd_per_hour:g}/h ({instances})"
