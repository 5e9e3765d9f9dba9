"""`finexpert doctor`: what each check makes of what it finds, and that none stops the others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from rich.console import Console

from core.admission.decision import JobRequest, Money, decide
from core.money import prices
from finexpert.cli.commands.doctor import checks, show
from finexpert.doctor import Finding, Verdict, account, app, bad, examine, good, money, unknown
from finexpert.service.deployment import Deployment
from tests.fakes import deployment as fakes
from tests.unit.finexpert.doctor.answering import Cloud, deployment

TRAIN, HOST = "ml.g5.2xlarge for training job usage", "ml.g5.2xlarge for endpoint usage"
_MODEL = botocore.session.get_session().get_service_model("cloudformation")
STACK_STATUSES: list[str] = _MODEL.shape_for("StackStatus").enum
MAIL = "you@example.com"
ARN = "arn:aws:sns:us-east-1:1:t:uuid"
OUTPUTS = [{"OutputKey": "TopicArn", "OutputValue": "arn:aws:sns:us-east-1:1:t"}]
NO_BUCKET = ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadBucket")


def in_state(status: str, bucket: Any = NO_BUCKET) -> dict[str, Any]:
    return {
        "describe_stacks": {"Stacks": [{"StackStatus": status, "Outputs": OUTPUTS}]},
        "get_caller_identity": {"Account": "123456789012"},
        "head_bucket": bucket,
    }


@pytest.mark.parametrize(
    ("arn", "endpoint", "verdict"),
    [
        (ARN, MAIL, Verdict.GOOD),
        (ARN, "me@example.com", Verdict.BAD),
        *((arn, MAIL, Verdict.BAD) for arn in ("Deleted", "PendingConfirmation", "", "arn")),
    ],
)
def test_only_a_real_arn_of_ones_own_address_is_a_confirmed_subscription(
    arn: str, endpoint: str, verdict: Verdict
) -> None:
    listed = {"Subscriptions": [{"SubscriptionArn": arn, "Endpoint": endpoint}]}
    given = in_state("CREATE_COMPLETE") | {"list_subscriptions_by_topic": listed}
    assert account.alert_mail(deployment(given, alert_email=MAIL)).verdict is verdict


@pytest.mark.parametrize(
    ("alerts", "billing", "said"),
    [
        ([ARN], ["PendingConfirmation"], "has not confirmed the billing alerts"),
        ([ARN], ["Deleted"], "not subscribed to the billing alerts"),
        ([ARN], [], "not subscribed to the billing alerts"),
        (["PendingConfirmation"], ["PendingConfirmation"], "confirmed the alerts and the billing alerts"),
        (["Deleted", ARN], [ARN], ""),
    ],
)
def test_each_topic_needs_its_subscription(alerts: list[str], billing: list[str], said: str) -> None:
    found = account.judge_mail(MAIL, {"alerts": alerts, "billing alerts": billing})
    assert (found.verdict is Verdict.GOOD) == (not said) and said in found.said


@pytest.mark.parametrize("status", STACK_STATUSES)
def test_each_status_of_a_stack_has_its_verdict(status: str) -> None:
    found = app.stacks(deployment(in_state(status), alert_email=MAIL))
    whole = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
    on_its_way = (
        "CREATE_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        "IMPORT_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "REVIEW_IN_PROGRESS",
    )
    if status in whole:
        assert found.verdict is Verdict.GOOD
    elif status in on_its_way:
        assert found.verdict is Verdict.UNKNOWN
    else:
        assert found.verdict is Verdict.BAD, found.said
    assert found.verdict is Verdict.GOOD or found.fix


@pytest.mark.parametrize(("status", "first"), [("REVIEW_IN_PROGRESS", False), ("ROLLBACK_COMPLETE", True)])
def test_kept_data_are_gone_on_with_by_the_next_deploy(status: str, first: bool) -> None:
    found = app.stacks(deployment(in_state(status, bucket={})))
    assert "finexpert-data-123456789012-us-east-1" in found.fix
    assert "--import-existing-resources" in found.fix
    assert ("delete-stack --stack-name FinExpert-Storage" in found.fix) is first
    assert "--import-existing-resources" not in app.stacks(deployment(in_state(status))).fix


def test_where_billing_alone_fails_the_way_without_it_is_named() -> None:
    broken = deployment(in_state("CREATE_COMPLETE"))
    states = {"Billing": "ROLLBACK_COMPLETE"}

    def stack(**named: str) -> Any:
        part = named["StackName"].rpartition("-")[2]
        return {"Stacks": [{"StackStatus": states.get(part, "CREATE_COMPLETE")}]}

    client = SimpleNamespace(describe_stacks=stack)
    found = app.stacks(replace(broken, target=SimpleNamespace(client=lambda *_: client)))  # type: ignore[arg-type]
    assert found.verdict is Verdict.BAD and "billing_guards=budget" in found.fix
    states["Storage"], states["Billing"] = "DELETE_FAILED", "CREATE_COMPLETE"
    found = app.stacks(replace(broken, target=SimpleNamespace(client=lambda *_: client)))  # type: ignore[arg-type]
    assert found.verdict is Verdict.BAD and "billing_guards" not in found.fix


@pytest.mark.parametrize(
    ("on", "manager", "explorer", "verdict", "says"),
    [
        ("false", "2", {}, Verdict.GOOD, "anomaly_monitor is false"),
        ("true", "2", {}, Verdict.BAD, "belongs to the organization of 2"),
        ("true", "1", {"AnomalyMonitors": []}, Verdict.GOOD, "cost-allocation tag"),
        ("true", "1", RuntimeError("User not enabled"), Verdict.BAD, "Cost Explorer"),
    ],
)
def test_the_anomaly_monitor_needs_the_management_account_and_cost_explorer(
    on: str, manager: str, explorer: Any, verdict: Verdict, says: str
) -> None:
    answers = {
        "describe_organization": {"Organization": {"MasterAccountId": manager}},
        "get_caller_identity": {"Account": "1"},
        "get_anomaly_monitors": explorer,
    }
    found = account.anomaly_monitor(deployment(answers, anomaly_monitor=on))
    assert found.verdict is verdict and says in found.said


def test_a_missing_stack_among_others_is_bad() -> None:
    found = app.judge_stacks({"A": "CREATE_COMPLETE", "B": ""})
    assert (found.verdict, found.said) == (Verdict.BAD, "B is missing")


def alarm(**changes: Any) -> dict[str, Any]:
    return {"AlarmName": "a", "StateValue": "OK", "ActionsEnabled": True, **changes}


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([alarm()], Verdict.GOOD),
        ([], Verdict.UNKNOWN),
        ([alarm(), alarm(StateValue="INSUFFICIENT_DATA")], Verdict.UNKNOWN),
        ([alarm(), alarm(StateValue="ALARM")], Verdict.BAD),
        ([alarm(ActionsEnabled=False)], Verdict.BAD),
        ([alarm(StateValue="SOMETHING_NEW")], Verdict.UNKNOWN),
    ],
)
def test_each_state_of_an_alarm_has_its_verdict(found: list[dict[str, Any]], verdict: Verdict) -> None:
    assert app.judge_alarms(found).verdict is verdict


def test_a_check_that_breaks_is_unknown_and_stops_no_other() -> None:
    def broken(deployment: Deployment) -> Finding:
        raise NoCredentialsError

    def defective(deployment: Deployment) -> Finding:
        raise KeyError("x")

    found = examine(
        deployment(), {"first": broken, "second": defective, "third": lambda deployment: good("fine")}
    )
    assert [finding.verdict for finding in found.values()] == [Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.GOOD]
    assert "AWS_PROFILE" in found["first"].fix
    assert found["second"].said == "KeyError: 'x'"


def test_checks_run_at_the_same_time() -> None:
    together = Barrier(3, timeout=60)

    def waits(deployment: Deployment) -> Finding:
        together.wait()
        return good("met the others")

    found = examine(deployment(), dict.fromkeys("abc", waits))
    assert {finding.said for finding in found.values()} == {"met the others"}


def test_every_check_answers_where_nothing_can_be_read() -> None:
    found = examine(deployment(), checks())
    assert found.keys() == checks().keys()
    # What is not read from AWS is known all the same.
    assert found["prices"].verdict is found["GPU memory"].verdict is Verdict.GOOD
    assert found["credentials"].verdict is found["licence"].verdict is Verdict.BAD
    assert found["budget"].verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({TRAIN: 1.0, HOST: 1.0}, Verdict.GOOD),
        ({TRAIN: 0.0, HOST: 1.0}, Verdict.BAD),
        ({TRAIN: 1.0, HOST: 0.0}, Verdict.BAD),
        ({TRAIN: 1.0}, Verdict.UNKNOWN),
        ({TRAIN: 0.0}, Verdict.BAD),
    ],
)
def test_quotas_are_those_of_the_configured_instances(values: dict[str, float], verdict: Verdict) -> None:
    entries = [{"QuotaName": name, "Value": value} for name, value in values.items()]
    others = [{"QuotaName": "ml.g5.2xlarge for spot training job usage", "Value": 0.0}]
    finding = account.quotas(deployment({"list_service_quotas": {"Quotas": others + entries}}))
    assert finding.verdict is verdict
    for name, value in values.items():
        assert f"{name}: {value:g} of 1" in finding.said
        assert (f'1 of "{name}"' in finding.fix) == (value < 1)


def test_spot_has_a_quota_of_its_own() -> None:
    names = ("ml.g5.2xlarge for spot training job usage", HOST)
    entries = [{"QuotaName": name, "Value": 1.0} for name in names]
    finding = account.quotas(deployment({"list_service_quotas": {"Quotas": entries}}, spot="true"))
    assert finding.verdict is Verdict.GOOD


def test_a_region_that_the_environment_and_the_settings_see_differently_is_reported() -> None:
    finding = account.region(deployment(region="us-west-2"))
    assert finding.verdict is Verdict.BAD
    assert "export AWS_REGION=us-west-2" in finding.fix


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("opt-in-not-required", Verdict.GOOD), ("opted-in", Verdict.GOOD), ("not-opted-in", Verdict.BAD)],
)
def test_a_region_must_be_enabled(status: str, verdict: Verdict) -> None:
    answers = {"describe_regions": {"Regions": [{"RegionName": "us-east-1", "OptInStatus": status}]}}
    assert account.region(deployment(answers)).verdict is verdict


def test_billing_alerts_are_seen_by_their_metric() -> None:
    assert account.billing_alerts(deployment({"list_metrics": {"Metrics": [{}]}})).verdict is Verdict.GOOD
    assert account.billing_alerts(deployment({"list_metrics": {"Metrics": []}})).verdict is Verdict.BAD


OURS = {"subnet_ids": "subnet-0a1b2c3d,subnet-4e5f6a7b", "security_group_ids": "sg-0a1b2c3d"}
S3_ENDPOINT = {"VpcEndpoints": [{"ServiceName": "com.amazonaws.us-east-1.s3"}]}


@pytest.mark.parametrize(
    ("vpcs", "endpoints", "routes", "verdict"),
    [
        (["vpc-1", "vpc-1"], S3_ENDPOINT, [], Verdict.GOOD),
        (["vpc-1", "vpc-2"], S3_ENDPOINT, [], Verdict.BAD),
        (["vpc-1", "vpc-1"], {"VpcEndpoints": []}, ["10.0.0.0/16"], Verdict.BAD),
        (["vpc-1", "vpc-1"], {"VpcEndpoints": []}, ["0.0.0.0/0"], Verdict.UNKNOWN),
    ],
)
def test_a_companys_subnets_need_a_way_to_s3(
    vpcs: list[str], endpoints: dict[str, Any], routes: list[str], verdict: Verdict
) -> None:
    answers = {
        "describe_subnets": {"Subnets": [{"VpcId": vpc} for vpc in vpcs]},
        "describe_vpc_endpoints": endpoints,
        "describe_route_tables": {
            "RouteTables": [{"Routes": [{"DestinationCidrBlock": route} for route in routes]}]
        },
    }
    assert account.network(deployment(answers, **OURS)).verdict is verdict
    assert account.network(deployment()).verdict is Verdict.GOOD


def test_what_the_embedded_cloud_has_not_is_no_failure() -> None:
    here = fakes.deployment()
    for check in (account.quotas, account.billing_alerts):
        assert check(here).verdict is Verdict.GOOD and "not here" in check(here).said


def test_a_price_that_was_read_long_ago_is_to_be_read_again() -> None:
    found = prices.hourly("ml.g5.2xlarge", "us-east-1", "training")
    read = datetime(found.date.year, found.date.month, found.date.day, tzinfo=UTC)
    assert money.judge_prices([found], read + timedelta(days=365)).verdict is Verdict.GOOD
    assert "prices refresh" in money.judge_prices([found], read + timedelta(days=366)).fix


@pytest.mark.parametrize(
    ("spent", "verdict"), [(0.0, Verdict.GOOD), (20.0, Verdict.GOOD), (20.01, Verdict.BAD)]
)
def test_the_longest_run_must_fit_beside_what_was_spent(spent: float, verdict: Verdict) -> None:
    finding = money.judge_budget(RUN_OF_TWO_HOURS, Money(budget_usd=25, reserve_usd=2, spent_usd=spent))
    assert finding.verdict is verdict
    assert "a run of 120 minutes costs at most $3.00" in finding.said


def test_what_admission_would_shorten_is_not_good() -> None:
    dear = replace(RUN_OF_TWO_HOURS, usd_per_instance_hour=11.0)  # needs more than the least reserve
    assert money.judge_budget(dear, Money(budget_usd=25, reserve_usd=2, spent_usd=0)).verdict is Verdict.BAD
    assert decide(dear, Money(budget_usd=25, reserve_usd=2, spent_usd=0)).max_runtime_seconds < 7200


RUN_OF_TWO_HOURS = JobRequest(
    instance_type="ml.g5.2xlarge",
    instances=1,
    usd_per_instance_hour=1.5,
    max_runtime_seconds=7200,
    max_wait_seconds=7200,
    spot=False,
    training_tokens=0,
)


def test_what_several_checks_lack_is_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    findings = {"one": bad("no [x]", "do this"), "two": unknown("not seen", "do this"), "three": good("yes")}
    show(Console(width=100), findings)
    shown = capsys.readouterr().out
    assert shown.count("→ do this") == 1
    assert "✗ one    no [x]" in shown
    assert "1 ready, 1 not ready, 1 not known" in shown


@pytest.mark.parametrize(
    ("confirmed", "pending", "verdict", "says"),
    [
        ("1", "0", Verdict.GOOD, "1 confirmed"),
        ("0", "2", Verdict.BAD, "2 wait for confirmation"),
        ("0", "0", Verdict.BAD, "no warning would arrive"),
    ],
)
def test_a_test_notification_is_sent_only_when_asked_for_and_tells_who_receives_it(
    monkeypatch: pytest.MonkeyPatch, confirmed: str, pending: str, verdict: Verdict, says: str
) -> None:
    assert "test notification" not in checks()
    sent: list[dict[str, Any]] = []
    counts = {"SubscriptionsConfirmed": confirmed, "SubscriptionsPending": pending}
    sns = SimpleNamespace(
        get_topic_attributes=lambda TopicArn: {"Attributes": counts},
        publish=lambda **message: sent.append(message),
    )
    there = deployment()
    monkeypatch.setattr(Deployment, "output", lambda self, stack, name: f"arn:{stack}-{name}")
    monkeypatch.setattr(Cloud, "client", lambda self, service, region=None: sns)
    finding = checks(notify=True)["test notification"](there)
    assert finding.verdict is verdict and says in finding.said
    assert [message["TopicArn"] for message in sent] == ["arn:Guardrails-TopicArn"]
