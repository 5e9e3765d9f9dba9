"""Endpoints in the month's sum: each that runs counts and can be stopped, whether it has a price or not."""

from collections.abc import Callable

import pytest

from core.guard.guarding import GuardBlind, GuardSettings, guard
from core.money.prices import dearest, hourly
from tests.fakes.cloud import BUDGET_ENVIRONMENT, NOW, REGION, Cloud, error, minutes
from tests.unit.core.money.spend_samples import HOSTING, deleted_stack, hosting_events, month

G5 = hourly("ml.g5.2xlarge", REGION, "hosting").usd


def deleted_config(cloud: Cloud) -> None:
    cloud.endpoint("x", age=600)
    del cloud.configs["x-config"]


def pools(cloud: Cloud) -> None:
    cloud.endpoint("x", age=600)
    variant = cloud.configs["x-config"]["ProductionVariants"][0]
    del variant["InstanceType"]
    variant["InstancePools"] = [{"InstanceType": "ml.g5.2xlarge", "Priority": 1}]


def provisioned(cloud: Cloud) -> None:
    cloud.endpoint("x", age=600, serverless={"AllTraffic": 5})


def provisioned_without_config(cloud: Cloud) -> None:
    provisioned(cloud)
    del cloud.configs["x-config"]


def unpriced_type(cloud: Cloud) -> None:
    cloud.endpoint("x", age=600, instance_type="ml.z99.large")


def unreadable_config(cloud: Cloud) -> None:
    cloud.endpoint("x", age=600)
    cloud.failures["DescribeEndpointConfig"] = error("AccessDeniedException", "no")


def unreadable_endpoint(cloud: Cloud) -> None:
    cloud.endpoint("x", age=600)
    first = iter([True])
    refusal = error("AccessDeniedException", "no")
    cloud.failures["DescribeEndpoint"] = lambda request: refusal if next(first, False) else None


WAYS = pytest.mark.parametrize(
    "make",
    [
        deleted_config,
        pools,
        provisioned,
        provisioned_without_config,
        unpriced_type,
        unreadable_config,
        unreadable_endpoint,
    ],
)


@WAYS
def test_it_counts_at_the_dearest_known_and_is_reported(make: Callable[[Cloud], None]) -> None:
    cloud = Cloud()
    make(cloud)
    spend = month(cloud)
    assert any("x" in doubt for doubt in (*spend.unpriced, *spend.unread))
    assert [line.name for line in spend.lines if line.running] == ["x"]
    assert spend.total_usd == pytest.approx(10 * dearest("hosting").usd)


@WAYS
def test_at_the_limit_it_is_stopped(make: Callable[[Cloud], None]) -> None:
    cloud = Cloud()
    make(cloud)
    settings = GuardSettings.load({**BUDGET_ENVIRONMENT, "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:t"})
    try:
        answer = guard(settings, cloud, cloud.now, billing=lambda: cloud("cloudwatch"), pause=lambda _: None)
        assert answer["over"]
    except GuardBlind:
        pass
    assert "x" not in cloud.endpoints, "the month is over its limit and this endpoint bills on"


def test_a_pool_that_aws_tells_of_counts_by_its_types() -> None:
    cloud = Cloud()
    pools(cloud)
    cloud.endpoints["x"]["ProductionVariants"][0]["InstancePools"] = [
        {"InstanceType": "ml.g5.2xlarge", "CurrentInstanceCount": 2},
        {"InstanceType": "ml.g5.xlarge", "CurrentInstanceCount": 0},
    ]
    spend = month(cloud)
    assert not spend.unpriced and spend.total_usd == pytest.approx(10 * 2 * G5)


def test_serverless_by_the_request_is_no_line_and_is_left_alone() -> None:
    cloud = Cloud()
    cloud.endpoint("x", serverless={"AllTraffic": 0})
    spend = month(cloud)
    assert not spend.lines and not spend.endpoints and not spend.unpriced


class TestHosting:
    """The endpoint of the stack, which CloudFormation does not tag on AWS."""

    def awake(self, cloud: Cloud, *moments: tuple[float, str]) -> str:
        stack_id = cloud.stack(HOSTING, artifact="s3://b/m", EndpointName="finexpert")
        hosting_events(cloud, stack_id, *moments)
        return stack_id

    def hours(self, cloud: Cloud) -> float:
        spend = month(cloud)
        assert not spend.unread and not spend.unpriced
        return spend.total_usd / G5

    def test_it_counts_once_with_or_without_cloudformation_s_tags(self) -> None:
        for tags in ({}, {"aws:cloudformation:stack-name": HOSTING}):
            cloud = Cloud()
            self.awake(cloud, (2, "CREATE_COMPLETE"), (2, "CREATE_IN_PROGRESS"))
            cloud.endpoint("finexpert", age=120, tags=tags)
            spend = month(cloud)
            assert spend.total_usd == pytest.approx(2 * G5) and spend.endpoints == ()
            assert spend.burn_usd_per_hour == pytest.approx(G5)

    def test_deleted_directly_it_counts_until_then_and_burns_no_more(self) -> None:
        cloud = Cloud()
        self.awake(cloud, (5, "CREATE_COMPLETE"), (5, "CREATE_IN_PROGRESS"))
        cloud.recorded(125, "DeleteEndpoint", endpointName="finexpert")
        assert self.hours(cloud) == pytest.approx(3)
        assert month(cloud).burn_usd_per_hour == 0

    def test_before_the_trail_tells_of_it_it_counts_until_now(self) -> None:
        cloud = Cloud()
        self.awake(cloud, (5, "CREATE_COMPLETE"), (5, "CREATE_IN_PROGRESS"))
        cloud.recorded(600, "DeleteEndpoint", endpointName="finexpert")  # of an earlier life
        assert self.hours(cloud) == pytest.approx(5)

    def test_one_that_its_stack_gave_up_goes_on_counting(self) -> None:
        """The roll-back of a failed wake could not delete it: the stack is asleep, the endpoint is there."""
        cloud = Cloud()
        moments = ((3, "UPDATE_ROLLBACK_COMPLETE"), (4, "CREATE_FAILED"), (5, "CREATE_IN_PROGRESS"))
        self.awake(cloud, *moments)
        cloud.endpoint("finexpert", age=300)
        assert self.hours(cloud) == pytest.approx(5)
        assert month(cloud).burn_usd_per_hour == pytest.approx(G5)

    @pytest.mark.parametrize("said", [{"DeletionTime": NOW - minutes(110)}, {}], ids=["time said", "no time"])
    def test_the_month_keeps_one_that_was_destroyed_with_its_stack(self, said: dict[str, object]) -> None:
        cloud = Cloud()
        stack_id = self.awake(
            cloud, (2, "DELETE_COMPLETE"), (6, "CREATE_COMPLETE"), (6, "CREATE_IN_PROGRESS")
        )
        del cloud.stacks[HOSTING]
        cloud.deleted_stacks = [deleted_stack(stack_id, **said)]
        assert self.hours(cloud) == pytest.approx(4)
