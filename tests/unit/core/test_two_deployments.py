"""Deployments of any prefixes in one account: none sees, counts, stops or lists what is another's."""

import pytest

from core.endpoint.cleaning import Cleaner
from core.guard.stopping import stop_all
from core.names import PROJECT_TAG, Names
from core.training_jobs import project_jobs
from finexpert.service.account.leftovers import belongs
from tests.fakes.cloud import REGION, Cloud, arn, error
from tests.unit.core.money.spend_samples import month

STAMP = "20261120-110000-aaaa"
OWN = f"finexpert-{STAMP}"
OTHERS = ("FinExpert-Prod", "FinExpert-20261120", "FinExpert-Training", "FinExpertise", "My-FinExpert")


def theirs(project: str) -> str:
    return f"{project.lower()}-{STAMP}"


@pytest.fixture(params=[True, False], ids=["tagged", "without tags"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    made = Cloud()
    for project in ("FinExpert", *OTHERS):
        name = theirs(project)
        made.training_job(name, hours=1)
        if request.param:
            made.tags[arn("training-job", name)] = {PROJECT_TAG: project}
    return made


def running(cloud: Cloud) -> set[str]:
    return {name for name, job in cloud.jobs.items() if job["TrainingJobStatus"] == "InProgress"}


def test_the_month_counts_the_own_jobs_alone(cloud: Cloud) -> None:
    spend = month(cloud)
    assert [line.name for line in spend.lines] == [OWN]


def test_the_guard_at_its_limit_stops_the_own_jobs_alone(cloud: Cloud) -> None:
    hosting = "FinExpert-Hosting"
    stop_all(cloud, project="FinExpert", hosting_stack=hosting, endpoints=[], seconds=1, pause=lambda _: None)
    assert cloud.jobs[OWN]["TrainingJobStatus"] == "Stopping"
    assert running(cloud) == {theirs(project) for project in OTHERS}


def test_destroying_one_leaves_the_others_jobs_running(cloud: Cloud) -> None:
    def pause(_: float) -> None:
        for each in cloud.jobs.values():
            if each["TrainingJobStatus"] == "Stopping":
                each["TrainingJobStatus"] = "Stopped"

    Cleaner(cloud, "FinExpert", lambda: 600.0, pause).clean()
    assert running(cloud) == {theirs(project) for project in OTHERS}


def test_a_tag_decides_where_the_name_could_be_either_s() -> None:
    cloud = Cloud()
    for name in (OWN, "finexpert-by-hand"):
        cloud.training_job(name, hours=1)
    cloud.tags[arn("training-job", OWN)] = {PROJECT_TAG: "Theirs"}
    cloud.tags[arn("training-job", "finexpert-by-hand")] = {PROJECT_TAG: "FinExpert"}
    assert project_jobs(cloud("sagemaker"), "FinExpert") == ["finexpert-by-hand"]


def test_unreadable_tags_leave_the_exact_name(cloud: Cloud) -> None:
    cloud.failures["ListTags"] = error("AccessDeniedException", "no")
    assert project_jobs(cloud("sagemaker"), "FinExpert") == [OWN]


FORMS = (
    "{0}",
    "{0}-teardown",
    "{0}-base",
    "{0}-data-000000000000-us-east-1",
    "{0}-audit-000000000000-eu-west-1",
    "{0}-idle-reaper-errors",
    "{0}-stuck-resources",
    "{0}-fine-tune",
    f"{{0}}-{STAMP}",
    f"{{0}}-{STAMP}-od",
    "{0}-Hosting",
    "{0}-Training-TrainingRoleRole5D5F85C3-AbC123dEf456",
    "{0}-Guardrails-CustomS3AutoDeleteObjectsD5F85C344F9-kjh23kjh4",
)


@pytest.mark.parametrize("form", FORMS)
def test_leftovers_lists_the_own_names_and_no_other_deployment_s(form: str) -> None:
    for project in ("FinExpert", *OTHERS):
        name = form.format(project if form[4:5].isupper() else project.lower())
        assert Names(project=project, region=REGION).owns(name), name
        for other in {"FinExpert", *OTHERS} - {project}:
            assert not belongs(name, other, []), (name, other)
    assert belongs("odd-name", "FinExpert", ["arn:aws:sagemaker:us-east-1:1:endpoint/odd-name"])
