"""The month's dollars: from jobs, from the Hosting stack's events (deleted or not), from other endpoints."""

from datetime import datetime

import pytest

from core.money import charges as spend_charges
from core.money.charges import Charges
from core.money.events import StackEvent, lifetimes
from core.money.prices import dearest, hourly, per_hour
from core.money.spend import Fleet, Lifetime, Spend, Usage, account
from core.money.time import month_end, month_start
from core.money.training_job import TrainingJob
from tests.fakes.cloud import NOW, REGION, Cloud, error, minutes
from tests.unit.core.money.spend_samples import (
    ENDPOINT,
    G5,
    HOSTING,
    HOUR,
    MONTH,
    RUN,
    STACK,
    deleted_stack,
    hosting_events,
    job,
    month,
    two_dollars,
)


def priced(*jobs: TrainingJob, lives: list[Lifetime] | None = None) -> Spend:
    return account(Usage(jobs=list(jobs), lifetimes=lives or []), region=REGION, now=NOW, price=two_dollars)


class TestTraining:
    def test_billable_seconds_times_price_times_instances(self) -> None:
        assert priced(job(instances=3)).total_usd == pytest.approx(0.5 * 2 * 3)

    def test_a_running_job_costs_its_time_so_far_burns_and_commits_the_rest(self) -> None:
        spend = priced(job(status="InProgress", start=NOW - HOUR, end=None, billable_seconds=None))
        assert spend.total_usd == pytest.approx(2.0)
        assert spend.burn_usd_per_hour == pytest.approx(2.0)
        assert spend.committed_usd == pytest.approx(2.0)

    def test_a_job_that_waits_for_instances_costs_nothing_yet_but_commits_all(self) -> None:
        spend = priced(job(status="InProgress", start=None, end=None, billable_seconds=None))
        assert (spend.total_usd, spend.committed_usd) == (0.0, pytest.approx(4.0))

    def test_over_the_turn_of_the_month_only_this_month_s_share_counts(self) -> None:
        split = job(start=MONTH - HOUR, end=MONTH + 3 * HOUR, billable_seconds=7200.0)
        assert split.hours_in(MONTH, NOW) == pytest.approx(2 * 3 / 4)

    def test_a_volume_is_billed_too_where_the_type_has_one(self) -> None:
        kind = {"instance_type": "ml.m5.large"}
        assert priced(job(**kind, volume_gb=100.0)).total_usd > priced(job(**kind)).total_usd
        assert priced(job(volume_gb=100.0)).total_usd == priced(job()).total_usd

    def test_an_unknown_price_is_named_and_never_zero_silently(self) -> None:
        spend = priced(job(instance_type="ml.unknown"), job())
        assert spend.total_usd == pytest.approx(1.0 + 0.5 * dearest("training").usd)
        assert "ml.unknown" in spend.unpriced[0]


def event(hours_ago: float, status: str, kind: str = ENDPOINT) -> StackEvent:
    return StackEvent(time=NOW - hours_ago * HOUR, logical_id="Endpoint", resource_type=kind, status=status)


def hours(events: list[StackEvent], until: datetime | None = None) -> float:
    lives = lifetimes(events, name="h", fleets=G5, until=until)
    return priced(lives=lives).total_usd / 2


class TestLifetimes:
    def test_twice_awake(self) -> None:
        events = [
            event(10, "CREATE_IN_PROGRESS"),
            event(9.9, "CREATE_COMPLETE"),
            event(8, "DELETE_IN_PROGRESS"),
            event(7, "DELETE_COMPLETE"),
            event(2, "CREATE_IN_PROGRESS"),
        ]
        assert hours(events) == pytest.approx(3 + 2)
        assert hours(list(reversed(events))) == pytest.approx(5)

    def test_awake_since_before_the_first_event(self) -> None:
        assert hours([event(3, "DELETE_IN_PROGRESS"), event(2, "DELETE_COMPLETE")]) == pytest.approx(1)

    def test_a_failed_creation_ends_with_the_roll_back(self) -> None:
        back = event(3, "UPDATE_ROLLBACK_COMPLETE", STACK)
        events = [event(5, "CREATE_IN_PROGRESS"), event(4, "CREATE_FAILED"), back]
        assert hours(events) == pytest.approx(2)

    def test_a_deleted_stack_ends_all(self) -> None:
        events = [event(5, "CREATE_IN_PROGRESS"), event(1, "DELETE_COMPLETE", STACK)]
        assert hours(events) == pytest.approx(4)
        assert hours(events[:1], until=NOW - 2 * HOUR) == pytest.approx(3)

    def test_other_resources_do_not_count(self) -> None:
        assert hours([event(5, "CREATE_IN_PROGRESS", "AWS::SageMaker::Model")]) == 0

    def test_only_the_part_in_this_month_counts(self) -> None:
        life = Lifetime(name="e", start=MONTH - 100 * HOUR, end=MONTH + HOUR, fleets=G5, source="test")
        assert priced(lives=[life]).total_usd == pytest.approx(2.0)

    def test_instances_that_are_not_known_are_named(self) -> None:
        life = Lifetime(name="e", start=NOW - HOUR, end=None, fleets=(), source="test")
        assert "instance type" in priced(lives=[life]).unpriced[0]

    def test_an_endpoint_without_a_price_counts_at_the_dearest_known(self) -> None:
        fleets = (Fleet(instance_type="ml.unknown", instances=2),)
        spend = priced(lives=[Lifetime(name="e", start=NOW - HOUR, end=None, fleets=fleets, source="test")])
        assert spend.burn_usd_per_hour == pytest.approx(2 * dearest("hosting").usd)
        assert "ml.unknown" in spend.unpriced[0]


def test_a_line_shows_its_sum() -> None:
    [line] = priced(job()).lines
    assert line.how() == "30 min 00 s billable on 1 × ml.g5.2xlarge at $2 an hour"


class TestSources:
    def fill(self, cloud: Cloud) -> None:
        over = {"TrainingEndTime": NOW - 19 * HOUR, "BillableTimeInSeconds": 3600}
        for name in (RUN, f"other-{RUN}"):
            cloud.training_job(name, hours=20, status="Completed", **over)

    @pytest.mark.parametrize("tag", ["finexpert:stack", "aws:cloudformation:stack-name", "neither"])
    def test_jobs_stacks_and_endpoints_add_up(self, tag: str) -> None:
        cloud = Cloud()
        self.fill(cloud)
        now_id = cloud.stack(HOSTING, artifact="s3://b/m.tar.gz")
        hosting_events(cloud, now_id, (2, "CREATE_COMPLETE"), (2, "CREATE_IN_PROGRESS"))
        old_id = f"arn:aws:cloudformation:us-east-1:123456789012:stack/{HOSTING}/old"
        cloud.deleted_stacks = [deleted_stack(old_id, DeletionTime=NOW - 50 * HOUR)]
        hosting_events(cloud, old_id, (51, "DELETE_COMPLETE"), (55, "CREATE_IN_PROGRESS"))
        cloud.endpoint("finexpert", tags={tag: HOSTING})
        cloud.endpoint("by-hand", age=180)
        cloud.endpoint("theirs", project="Theirs")
        spend = month(cloud)
        host = hourly("ml.g5.2xlarge", REGION, "hosting").usd
        train = hourly("ml.g5.2xlarge", REGION, "training").usd
        assert not spend.unread and not spend.unpriced
        assert spend.total_usd == pytest.approx(train * 1 + host * (2 + 4 + 3), rel=1e-6)
        assert spend.burn_usd_per_hour == pytest.approx(2 * host)

    def test_events_are_read_back_only_to_the_one_that_settles(self) -> None:
        cloud = Cloud()
        stack_id = cloud.stack(HOSTING)
        old = [(24.0 * day, "DELETE_COMPLETE" if day % 2 else "CREATE_IN_PROGRESS") for day in range(21, 80)]
        hosting_events(cloud, stack_id, (3, "DELETE_COMPLETE"), (4, "CREATE_IN_PROGRESS"), *old)
        assert month(cloud).total_usd == pytest.approx(hourly("ml.g5.2xlarge", REGION, "hosting").usd)
        assert len(cloud.called("DescribeStackEvents")) == 1

    def test_what_cannot_be_read_is_named_and_the_rest_still_counts(self) -> None:
        cloud = Cloud()
        self.fill(cloud)
        cloud.failures["DescribeStacks"] = error("AccessDenied", "no")
        cloud.failures["GetResources"] = error("AccessDenied", "no")
        cloud.endpoint("by-hand", age=180)
        spend = month(cloud)
        assert len(spend.lines) == 2
        assert len(spend.unread) == 1 and HOSTING in spend.unread[0]

    def test_serverless_costs_by_the_request_and_is_left_out(self) -> None:
        cloud = Cloud()
        cloud.endpoint("serverless", serverless={"AllTraffic": 0})
        spend = month(cloud)
        assert spend.total_usd == 0 and not spend.unpriced


class TestEverythingElse:
    """AWS's estimate: of the account, hours late, and holding the project's own sum as well."""

    def spend(self, *, total: float, sagemaker: float, hours_ago: float = 2.0) -> Spend:
        charges = Charges(time=NOW - hours_ago * HOUR, total_usd=total, sagemaker_usd=sagemaker)
        return account(Usage(jobs=[job()], charges=charges), region=REGION, now=NOW, price=two_dollars)

    def test_other_services_count_in_full_and_the_own_jobs_once(self) -> None:
        # The job ran from three hours to one hour ago, half of it billable: 0.5 $ were in the estimate.
        assert self.spend(total=3.5, sagemaker=0.5).total_usd == pytest.approx(1.0 + 3.0)

    def test_what_others_spend_in_sagemaker_is_what_goes_beyond_the_own_sum_of_that_time(self) -> None:
        assert self.spend(total=4.5, sagemaker=4.5).total_usd == pytest.approx(1.0 + 4.0)

    def test_an_estimate_that_lags_takes_nothing_away(self) -> None:
        assert self.spend(total=0.1, sagemaker=0.1).total_usd == pytest.approx(1.0)

    def test_the_newest_point_of_the_month_counts_and_its_first_hours_do_not(self) -> None:
        cloud = Cloud()
        for hours_ago, usd in ((30, 1.0), (6, 2.0), (20 * 24 - 13, 24.0)):
            for service, share in ((None, 1.0), ("AmazonSageMaker", 0.5)):
                dimensions = {"Currency": "USD"} | ({"ServiceName": service} if service else {})
                key = ("AWS/Billing", "EstimatedCharges", frozenset(dimensions.items()))
                cloud.points.setdefault(key, {})[NOW - hours_ago * HOUR] = usd * share
        charges = spend_charges.read(cloud("cloudwatch"), NOW)
        assert charges is not None and (charges.total_usd, charges.sagemaker_usd) == (2.0, 1.0)

    def test_without_billing_alerts_there_is_no_estimate(self) -> None:
        assert spend_charges.read(Cloud()("cloudwatch"), NOW) is None


def test_the_projection_goes_on_with_what_runs_and_ends_jobs_at_their_limit() -> None:
    spend = account(
        Usage(
            jobs=[job(status="InProgress", start=NOW - HOUR, end=None, billable_seconds=None)],
            lifetimes=[Lifetime(name="e", start=NOW - HOUR, end=None, fleets=G5, source="test")],
        ),
        region=REGION,
        now=NOW,
        price=two_dollars,
    )
    ahead = (month_end(NOW) - NOW) / HOUR
    assert spend.projected_usd == pytest.approx(4.0 + 2.0 * ahead + 2.0)


def test_months_are_utc() -> None:
    assert month_start(NOW + minutes(1)) == MONTH


@pytest.mark.parametrize(
    ("price", "text"), [(1.515, "$1.515/h"), (1.5, "$1.50/h"), (0.0125, "$0.0125/h"), (0, "$0.00/h")]
)
def test_a_price_an_hour_keeps_its_digits(price: float, text: str) -> None:
    assert per_hour(price) == text
