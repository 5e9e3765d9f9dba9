"""Reads from AWS what `spend` prices: the project's training jobs, Hosting's lives, other endpoints of the
project, alive or gone, other people's machines of the region, and AWS's estimate of everything else.

Nothing is stored: everything is read anew each time, so a lost or late call loses nothing
(docs/decisions/month-from-aws.md). A source that fails is named in `Usage.unread`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from core.aws.calls import AwsClients, Clients
from core.aws.errors import error_text
from core.money import charges, endpoints, machines, requests
from core.money.settings import BudgetSettings
from core.money.spend import Spend, Usage, account
from core.money.time import month_start
from core.money.training_job import TrainingJob
from core.names import BILLING_REGION
from core.training_jobs import project_jobs

#: The longest that a training job can last; one that began earlier cannot bill in this month.
LONGEST_JOB = timedelta(days=28)


def month_to_date(
    clients: Clients, budget: BudgetSettings, *, region: str, now: datetime, billing: Callable[[], Any]
) -> Spend:
    """Read and price the month so far. Never raises for AWS errors: see `Spend.unread`.

    `billing` makes the CloudWatch client of the region where AWS's estimate of the bill is.
    """
    usage, project, hosting_stack = Usage(), budget.project, budget.hosting_stack
    sagemaker, lives = clients("sagemaker"), usage.lifetimes

    def read_charges() -> None:
        usage.charges = charges.read(billing(), now)

    reads: dict[str, Callable[[], None]] = {
        "training jobs": lambda: _training_jobs(clients, project, now, usage),
        f"stack {hosting_stack}": lambda: lives.extend(endpoints.hosting_lives(clients, hosting_stack, now)),
        "endpoints": lambda: endpoints.read(
            clients, project=project, hosting_stack=hosting_stack, now=now, usage=usage
        ),
        "notebook instances": lambda: lives.extend(machines.notebooks(sagemaker)),
        "processing jobs": lambda: lives.extend(machines.processing_jobs(sagemaker, month_start(now))),
        "Studio apps": lambda: lives.extend(machines.apps(sagemaker)),
        "paid requests": lambda: usage.paid.extend(
            requests.read(clients("cloudwatch"), project=project, now=now)
        ),
        "AWS's estimated charges": read_charges,
    }
    for what, read in reads.items():
        try:
            read()
        except Exception as error:  # one source that fails must not hide what the others know
            usage.unread.append(f"{what}: {error_text(error)}")
    return account(usage, region=region, now=now)


def billing_client() -> Any:
    """The CloudWatch client where the bill's estimate is, with the environment's credentials."""
    return AwsClients(BILLING_REGION)("cloudwatch")


def _training_jobs(clients: Clients, project: str, now: datetime, usage: Usage) -> None:
    sagemaker = clients("sagemaker")
    month = month_start(now)
    for name in project_jobs(sagemaker, project, CreationTimeAfter=month - LONGEST_JOB):
        job = TrainingJob.of(sagemaker.describe_training_job(TrainingJobName=name))
        if job.end is None or job.end >= month:
            usage.jobs.append(job)
