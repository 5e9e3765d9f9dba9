"""The spend guard and the teardown: what they stop, whom they tell, and that they do so once."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from core.endpoint.teardown import respond, tear_down
from core.environment import ConfigurationError
from core.guard.guarding import GuardBlind, GuardSettings, guard
from core.guard.position import Position, crossed
from core.money import prices
from tests.fakes.cloud import BUDGET_ENVIRONMENT, Cloud, arn, error, minutes

RUN = "finexpert-20261120-100000-0001"
STACK = "FinExpert-Hosting"


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def position(spent: float) -> Position:
    return Position(budget_usd=25, reserve_usd=2, spent_usd=spent, burn_usd_per_hour=1.5)


STACK_TAGS = ("finexpert:stack", "aws:cloudformation:stack-name")
"""The tag of this project's templates, and CloudFormation's own, which endpoints need not have."""


class TestThresholds:
    @pytest.mark.parametrize(
        ("before", "now", "says"),
        [
            (0, 12.4, None),
            (12.4, 12.5, "50%"),
            (12.5, 19.9, None),
            (12.0, 20.1, "80%"),
            (20.1, 23.0, "limit"),
            (0, 24.0, "limit"),
            (23.5, 24.5, None),
        ],
    )
    def test_each_is_reported_when_it_is_passed(self, before: float, now: float, says: str | None) -> None:
        told = crossed(position(now), before)
        assert (told == []) if says is None else says in told[0]

    def test_hours_to_the_limit(self) -> None:
        assert position(20).hours_to_limit == 2
        assert position(30).hours_to_limit == 0
        assert Position(budget_usd=1, reserve_usd=0, spent_usd=0, burn_usd_per_hour=0).hours_to_limit is None


class TestGuard:
    def run(self, cloud: Cloud, budget: str = "25", **more: str) -> dict[str, Any]:
        settings = GuardSettings.load(
            BUDGET_ENVIRONMENT
            | {"BUDGET_USD": budget, "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:t", **more}
        )
        return guard(settings, cloud, cloud.now, billing=lambda: cloud("cloudwatch"), pause=lambda _: None)

    def test_below_the_limit_it_measures_and_stops_nothing(self, cloud: Cloud) -> None:
        cloud.training_job(RUN, hours=2)
        answer = self.run(cloud)
        assert 3 < answer["spent_usd"] < 3.2 and not answer["over"]
        names = {metric for namespace, metric, _ in cloud.points if namespace == "FinExpert"}
        assert names == {
            "MonthToDateUSD",
            "BurnUSDPerHour",
            "BudgetUsedPercent",
            "HoursToLimit",
            "ProjectedUSD",
            "CreateDenied",
            "UnpricedResources",
        }
        assert cloud.jobs[RUN]["TrainingJobStatus"] == "InProgress" and not cloud.messages

    def test_each_threshold_is_reported_once(self, cloud: Cloud) -> None:
        cloud.training_job(RUN, hours=9)
        for _ in range(3):
            self.run(cloud)
            cloud.now += minutes(5)
        assert len(cloud.messages) == 1 and "50% of the month's budget" in cloud.messages[0]["Message"]

    @pytest.mark.parametrize("artifact", ["s3://b/m.tar.gz", "base"])
    def test_at_the_limit_jobs_stop_and_hosting_sleeps(self, cloud: Cloud, artifact: str) -> None:
        cloud.training_job(RUN, hours=20)
        cloud.stack(STACK, artifact=artifact, EndpointName="finexpert")
        cloud.endpoint("by-hand", age=10, tags={"finexpert:keep": "true"})
        answer = self.run(cloud)
        assert answer["over"] and len(answer["stopped"]) == 3
        assert cloud.jobs[RUN]["TrainingJobStatus"] == "Stopping"
        assert cloud.stacks[STACK]["StackStatus"] == "UPDATE_IN_PROGRESS"
        message = cloud.messages[0]["Message"]
        assert "limit" in message and "by-hand-config" in message
        assert "by-hand" not in cloud.endpoints

        cloud.now += minutes(5)
        assert self.run(cloud)["stopped"] == []
        assert len(cloud.messages) == 1

    def test_another_stack_s_endpoint_is_reported_and_left(self, cloud: Cloud) -> None:
        cloud.training_job(RUN, hours=20)
        cloud.endpoint("theirs", age=10, tags={"aws:cloudformation:stack-name": "Other"})
        with pytest.raises(GuardBlind, match="stack Other"):
            self.run(cloud)
        assert "theirs" in cloud.endpoints

    def test_one_without_tags_of_its_stack_is_left_as_well(self, cloud: Cloud) -> None:
        cloud.training_job(RUN, hours=20)
        cloud.endpoint("theirs", age=10)
        cloud.owners[arn("endpoint", "theirs")] = "Other"
        with pytest.raises(GuardBlind, match="stack Other"):
            self.run(cloud)
        assert "theirs" in cloud.endpoints

    def test_the_more_runs_the_earlier_it_stops(self, cloud: Cloud) -> None:
        cloud.training_job(RUN, hours=1)
        assert not self.run(cloud, budget="5")["over"]
        cloud.endpoint("big", age=1, instance_type="ml.g5.12xlarge")
        answer = self.run(cloud, budget="5")
        assert answer["spent_usd"] < 2 and answer["limit_usd"] < 0 and answer["over"]

    def test_a_blind_look_goes_on_from_the_last_one(self, cloud: Cloud) -> None:
        cloud.training_job(RUN, hours=14.7)
        assert not self.run(cloud)["over"]
        cloud.failures["ListTrainingJobs"] = lambda request: (
            None if "StatusEquals" in request else error("ThrottlingException", "slow down")
        )
        cloud.now += minutes(15)
        assert not self.run(cloud)["over"]
        cloud.now += minutes(15)
        assert self.run(cloud)["over"], "half an hour of the last burn is added to the last sum"
        assert cloud.jobs[RUN]["TrainingJobStatus"] == "Stopping"

    def test_blind_and_without_memory_everything_stops(self, cloud: Cloud) -> None:
        cloud.training_job(RUN, hours=1)
        cloud.failures["ListEndpoints"] = error("AccessDenied", "no")
        cloud.failures["GetMetricData"] = error("AccessDenied", "no")
        with pytest.raises(GuardBlind):
            self.run(cloud)
        assert cloud.jobs[RUN]["TrainingJobStatus"] == "Stopping"
        assert "it is not known what was spent" in cloud.messages[0]["Message"]

    def test_a_torn_price_file_stops_everything(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        cloud.training_job(RUN, hours=1)
        monkeypatch.setattr("core.money.prices.PRICES_FILE", Path(__file__))
        prices._table.cache_clear()
        try:
            with pytest.raises(GuardBlind, match="price file"):
                self.run(cloud)
        finally:
            prices._table.cache_clear()
        assert cloud.jobs[RUN]["TrainingJobStatus"] == "Stopping"

    def test_the_latch_is_set_once_a_month_and_lifted_in_the_next(self, cloud: Cloud) -> None:
        policy = "arn:aws:iam::123456789012:policy/finexpert-deny-create"
        latch = {"LATCH_POLICY_ARN": policy, "LATCH_ROLES": "Admin,Other"}
        cloud.training_job(RUN, hours=20)
        self.run(cloud, **latch)
        assert cloud.attached == {"Admin": {policy}, "Other": {policy}}
        cloud.detach_role_policy("Admin", policy)  # by hand
        cloud.now += minutes(5)
        self.run(cloud, **latch)
        assert cloud.attached == {"Admin": set(), "Other": {policy}}
        cloud.jobs.clear()
        cloud.now += minutes(60 * 24 * 15)
        assert "again" in self.run(cloud, **latch)["stopped"][0]
        assert cloud.attached == {"Admin": set(), "Other": set()}

    def test_a_latch_that_fails_is_tried_again(self, cloud: Cloud) -> None:
        latch = {"LATCH_POLICY_ARN": "arn:aws:iam::123456789012:policy/p", "LATCH_ROLES": "Admin"}
        cloud.training_job(RUN, hours=20)
        cloud.failures["AttachRolePolicy"] = error("NoSuchEntity", "no role Admin")
        with pytest.raises(GuardBlind, match="role Admin"):
            self.run(cloud, **latch)
        del cloud.failures["AttachRolePolicy"]
        self.run(cloud, **latch)
        assert cloud.attached == {"Admin": {"arn:aws:iam::123456789012:policy/p"}}

    @pytest.mark.parametrize(
        ("variables", "says"),
        [
            ({"BUDGET_USD": "-5"}, "BUDGET_USD is '-5'"),
            ({"BUDGET_USD": "25 EUR"}, "BUDGET_USD is '25 EUR'"),
            ({"BUDGET_USD": "2", "RESERVE_USD": "2"}, "nothing could ever be spent"),
        ],
    )
    def test_a_budget_that_is_none_is_refused(self, variables: dict[str, str], says: str) -> None:
        with pytest.raises(ConfigurationError, match=says):
            GuardSettings.load(BUDGET_ENVIRONMENT | variables)

    @pytest.mark.parametrize("tag", STACK_TAGS)
    def test_a_broken_stack_s_endpoint_goes_directly(self, cloud: Cloud, tag: str) -> None:
        cloud.training_job(RUN, hours=20)
        cloud.stack(STACK, artifact="s3://b/m", status="UPDATE_ROLLBACK_FAILED", EndpointName="finexpert")
        cloud.endpoint("finexpert", tags={tag: STACK})
        answer = self.run(cloud)
        assert "finexpert" not in cloud.endpoints
        assert any("drifted" in line for line in answer["stopped"])

    def test_one_step_that_fails_does_not_spare_the_others_and_is_reported(self, cloud: Cloud) -> None:
        cloud.training_job(RUN, hours=20)
        cloud.stack(STACK, artifact="s3://b/m")
        cloud.failures["StopTrainingJob"] = error("AccessDeniedException", "no")
        with pytest.raises(GuardBlind, match=f"{RUN} cannot be stopped"):
            self.run(cloud)
        assert cloud.stacks[STACK]["StackStatus"] == "UPDATE_IN_PROGRESS"
        assert "NOT STOPPED" in cloud.messages[0]["Message"]

    def test_what_was_once_spent_stays_spent_when_less_can_be_read(self, cloud: Cloud) -> None:
        cloud.training_job(RUN, hours=20)
        self.run(cloud)
        cloud.now += minutes(5)
        cloud.failures["ListTrainingJobs"] = error("ThrottlingException", "slow down")
        with pytest.raises(GuardBlind):
            self.run(cloud)
        assert "Missing from the sum: training jobs" in cloud.messages[1]["Message"]

    def test_a_new_month_begins_at_zero(self, cloud: Cloud) -> None:
        cloud.training_job(RUN, hours=20)
        self.run(cloud)
        cloud.jobs.clear()
        cloud.now += minutes(60 * 24 * 15)
        assert self.run(cloud)["spent_usd"] == 0


class TestTeardown:
    EVENT = {  # noqa: RUF012
        "RequestType": "Delete",
        "StackId": "s",
        "RequestId": "r",
        "LogicalResourceId": "Teardown",
        "PhysicalResourceId": "FinExpert-teardown",
        "ResourceProperties": {
            "Project": "FinExpert",
            "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:finexpert-fine-tune",
            "HostingStack": STACK,
        },
    }

    def work(self, cloud: Cloud, seconds: float = 100.0, **event: Any) -> dict[str, Any]:
        def pause(_: float) -> None:
            for job in cloud.jobs.values():
                if job["TrainingJobStatus"] == "Stopping":
                    job["TrainingJobStatus"] = "Stopped"

        return tear_down(self.EVENT | event, cloud, lambda: seconds, pause)

    def fill(self, cloud: Cloud) -> None:
        execution = "arn:aws:states:us-east-1:123456789012:execution:m:finexpert-1"
        cloud.executions[execution] = {"name": RUN, "status": "RUNNING"}
        cloud.training_job(RUN, hours=1)
        cloud.endpoint("mine")
        cloud.endpoint("in-a-stack", tags={"aws:cloudformation:stack-name": "Some"})
        cloud.endpoint("theirs", project="Theirs")

    def test_deletion_ends_executions_jobs_and_unowned_endpoints(self, cloud: Cloud) -> None:
        self.fill(cloud)
        answer = self.work(cloud)
        assert answer["Status"] == "SUCCESS", answer["Reason"]
        assert {e["status"] for e in cloud.executions.values()} == {"ABORTED"}
        assert cloud.jobs[RUN]["TrainingJobStatus"] == "Stopped"
        assert set(cloud.endpoints) == {"in-a-stack", "theirs"}
        assert answer["PhysicalResourceId"] == "FinExpert-teardown"

    def test_another_stacks_endpoint_stays_without_any_tag_of_it(self, cloud: Cloud) -> None:
        cloud.endpoint("theirs")
        cloud.owners[arn("endpoint", "theirs")] = "Other"
        answer = self.work(cloud)
        assert answer["Status"] == "SUCCESS" and "the stack Other holds it" in answer["Reason"]
        assert "theirs" in cloud.endpoints

    @pytest.mark.parametrize("gone", [True, False])
    @pytest.mark.parametrize("tag", [*STACK_TAGS, "neither"])
    def test_an_endpoint_hosting_left_goes_its_own_stays(self, cloud: Cloud, tag: str, gone: bool) -> None:
        cloud.endpoint("finexpert", tags={tag: STACK})
        cloud.stack(STACK, artifact="s3://b/m")
        assert self.work(cloud)["Status"] == "SUCCESS"
        assert set(cloud.endpoints) == {"finexpert"}
        if gone:
            cloud.stacks.clear()
        else:  # asleep, and yet there: CloudFormation has given up its deletion
            cloud.stack(STACK)
        assert self.work(cloud)["Status"] == "SUCCESS"
        assert not cloud.endpoints

    def test_the_named_group_is_emptied_and_no_other(self, cloud: Cloud) -> None:
        for group, version in [("finexpert-models", v) for v in range(1, 131)] + [("theirs", 1)]:
            arn = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{group}/{version}"
            named = {"ModelPackageGroupName": group, "ModelPackageVersion": version}
            cloud.packages[arn] = {**named, "ModelPackageArn": arn}
        properties = self.EVENT["ResourceProperties"] | {"ModelPackageGroup": "finexpert-models"}  # type: ignore[operator]
        assert self.work(cloud, ResourceProperties=properties)["Status"] == "SUCCESS"
        assert [p["ModelPackageGroupName"] for p in cloud.packages.values()] == ["theirs"]

    @pytest.mark.parametrize("request_type", ["Create", "Update"])
    def test_creation_and_update_touch_nothing(self, cloud: Cloud, request_type: str) -> None:
        assert self.work(cloud, RequestType=request_type)["Status"] == "SUCCESS"
        assert not cloud.log

    def test_endpoints_stay_without_the_word(self, cloud: Cloud) -> None:
        self.fill(cloud)
        self.work(cloud, ResourceProperties={"Project": "FinExpert"})
        assert "mine" in cloud.endpoints

    def test_what_is_left_is_reported_and_fails(self, cloud: Cloud) -> None:
        self.fill(cloud)
        cloud.failures["DeleteEndpoint"] = error("AccessDeniedException", "not allowed")
        answer = self.work(cloud)
        reason = answer["Reason"]
        assert answer["Status"] == "FAILED" and "mine" in reason and "not allowed" in reason
        assert cloud.jobs[RUN]["TrainingJobStatus"] == "Stopped"

    def test_network_interfaces_are_waited_for(self, cloud: Cloud) -> None:
        properties = {"Project": "FinExpert", "SecurityGroup": "sg-1"}
        cloud.interfaces["sg-1"] = 3
        assert self.work(cloud, ResourceProperties=properties)["Status"] == "SUCCESS"
        assert len(cloud.called("DescribeNetworkInterfaces")) == 4
        cloud.interfaces["sg-1"] = 3
        answer = self.work(cloud, seconds=1.0, ResourceProperties=properties)
        assert answer["Status"] == "FAILED" and "eni-sg-1" in answer["Reason"]

    def test_time_that_runs_out_is_reported(self, cloud: Cloud) -> None:
        cloud.training_job(RUN, hours=1)
        answer = self.work(cloud, seconds=1.0)
        assert answer["Status"] == "FAILED" and "still being stopped" in answer["Reason"]

    def test_the_answer_is_put_to_the_url_without_a_content_type(self) -> None:
        received: list[tuple[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.headers.get("Content-Type", ""), json.loads(body)))
                # The first answer gets lost.
                self.send_response(200 if len(received) > 1 else 503)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            place = f"http://127.0.0.1:{server.server_port}/answer?sig=1"
            respond(place, {"Status": "SUCCESS"}, lambda _: None)
        finally:
            server.shutdown()
            server.server_close()
        assert received == [("", {"Status": "SUCCESS"})] * 2
