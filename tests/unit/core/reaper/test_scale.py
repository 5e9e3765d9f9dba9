"""Fleets that are larger than a run, several regions, what hangs, and what the function weighs."""

import subprocess
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from core.aws.calls import AwsClients
from core.reaper.run import Run, reap
from core.reaper.settings import ReaperSettings, Scope
from core.reaper.single_reads import SAMPLED
from core.reaper.warm import WarmState
from tests.fakes.cloud import NOW, Cloud, arn, error, minutes
from tests.fakes.reaper_cloud import ReaperCloud
from tests.unit.core.reaper.reaping import TOPIC, actions, deleted, reaped


class Timed:
    """A run whose every call takes `seconds`, of the 15 minutes that a function may take."""

    def __init__(self, cloud: Cloud, seconds: float) -> None:
        self.left = 900.0
        cloud.before = lambda operation, request: self._pass(seconds)

    def _pass(self, seconds: float) -> None:
        self.left -= seconds
        assert self.left > 0, "the function was cut off"


def timed(cloud: Cloud, seconds: float, **settings: Any) -> dict[str, Any]:
    clock = Timed(cloud, seconds)
    return reaped(cloud, seconds_left=lambda: clock.left, **settings)


def half_idle(size: int, tags: dict[str, str] | None = None) -> Cloud:
    """Every other endpoint was called 20 minutes ago."""
    cloud = Cloud()
    for number in range(size):
        name = cloud.endpoint(f"e-{number:04}", tags=tags)
        if number % 2:
            cloud.requests(name, 20)
    return cloud


def idle(size: int) -> Cloud:
    """Endpoints that nobody called."""
    cloud = Cloud()
    for number in range(size):
        cloud.endpoint(f"idle-{number:03}")
    return cloud


class TestCalls:
    """The bounds of a run's own calls, with half of the fleet idle."""

    @pytest.mark.parametrize("size", [200, 1000])
    @pytest.mark.parametrize("scope", list(Scope))
    def test_cold_and_then_warm(self, size: int, scope: Scope) -> None:
        cloud, memory = half_idle(size), WarmState()
        settings = ReaperSettings(dry_run=True, scope=scope, max_deletes=10_000)
        answers = [reaped(cloud, settings, warm=memory) for _ in range(2)]
        cold = answers[0]["api_calls"]
        warm = answers[1]["api_calls"] - cold  # the in-memory AWS goes on counting
        assert cold <= 0.55 * size and warm <= size / 40 + 10
        for found in answers:
            assert deleted(found) == size / 2

    def test_a_fleet_that_was_never_tagged(self) -> None:
        cloud = half_idle(1000, tags={})
        cloud.tags.clear()
        cloud.ever_tagged.clear()
        found = reaped(cloud, dry_run=True, scope=Scope.ACCOUNT, max_deletes=10_000)
        assert found["api_calls"] <= 0.55 * 1000 and len(cloud.called("ListTags")) == SAMPLED
        assert deleted(found) == 500

    def test_an_index_that_lists_nothing_is_not_believed(self) -> None:
        cloud = half_idle(20)
        cloud.ever_tagged.clear()  # what the index lists
        found = reaped(cloud, dry_run=True, max_deletes=99)
        assert deleted(found) == 10

    def test_a_tag_that_the_index_lacks_saves_from_the_deletion(self) -> None:
        cloud = half_idle(20, tags={})
        cloud.tags.clear()
        cloud.ever_tagged.clear()
        cloud.tags[arn("endpoint", "e-0018")] = {"finexpert:keep": "true"}
        reaped(cloud, scope=Scope.ACCOUNT, max_deletes=99)
        assert {name for name in cloud.endpoints if not int(name[2:]) % 2} == {"e-0018"}

    def test_what_changed_unseen_is_not_remembered(self) -> None:
        cloud, memory = half_idle(20), WarmState()
        settings = ReaperSettings(dry_run=True, max_deletes=99)
        reaped(cloud, settings, warm=memory)
        for endpoint in cloud.endpoints.values():
            endpoint["ProductionVariants"][0]["CurrentInstanceCount"] = 0
        found = reaped(cloud, settings, warm=memory)
        assert all(d["action"] == "keep" for d in found["decisions"])

    def test_prices_are_learnt_over_runs_so_that_the_dearest_goes_first(self) -> None:
        cloud, memory = Cloud(), WarmState()
        for number in range(60):
            cloud.endpoint(f"e-{number:02}", age=600 - number, instance_type="ml.g4dn.xlarge")
        cloud.endpoint("dear", age=300, instance_type="ml.g5.12xlarge")
        gone: list[str] = []
        for _ in range(4):
            before = set(cloud.endpoints)
            reaped(cloud, warm=memory, max_deletes=1)
            gone += before - set(cloud.endpoints)
        assert len(gone) == 4 and gone[-1] == "dear"


def test_five_thousand_endpoints_fit_into_a_run_at_ten_calls_a_second() -> None:
    cloud = half_idle(5000)
    found = timed(cloud, 0.1, max_deletes=20)
    assert found["complete"] is True and found["api_calls"] <= 0.55 * 5000 + 20 * 10
    assert len(cloud.endpoints) == 4980


@pytest.mark.parametrize("bucket", ["", "audit-bucket"])
def test_a_fleet_that_is_too_large_is_gone_through_in_several_runs(bucket: str) -> None:
    cloud = idle(450)
    seen: list[int] = []
    completed = False
    for _ in range(9):
        found = timed(cloud, 1.6, max_deletes=1000, audit_bucket=bucket)
        assert len(found["decisions"]) == 450 - sum(seen)
        seen.append(deleted(found))
        completed = found["complete"]
    assert all(seen), "a run did nothing"
    assert not completed and len(cloud.endpoints) == 450 - sum(seen)


def test_every_endpoint_gets_its_turn_although_no_run_reads_them_all() -> None:
    cloud = idle(450)
    described: set[str] = set()
    for _ in range(4):
        cloud.log.clear()
        found = timed(cloud, 2.0, max_deletes=0)
        described |= {request["EndpointName"] for request in cloud.called("DescribeEndpoint")}
        assert found["complete"] is False
        assert len(cloud.called("DescribeEndpoint")) < 450
    assert len(described) == 450


def test_a_small_fleet_needs_no_checkpoint() -> None:
    cloud = idle(1)
    timed(cloud, 0.1, max_deletes=0, audit_bucket="audit-bucket")
    assert not cloud.called("GetObject") and not cloud.called("PutObject")


def test_a_checkpoint_that_cannot_be_read_or_written_stops_nothing() -> None:
    cloud = idle(450)
    cloud.failures |= {name: error("AccessDenied", "no") for name in ("GetObject", "PutObject")}
    found = timed(cloud, 2.0, max_deletes=0, audit_bucket="audit-bucket")
    assert len(found["decisions"]) == 450 and not found["complete"]


def test_no_time_to_warn_is_reported_and_sends_no_warning() -> None:
    cloud = idle(5)
    found = timed(cloud, 55.0, warn=timedelta(minutes=30))
    warned = [d for d in found["decisions"] if d["action"] == "warn"]
    tagged = [tags for tags in cloud.tags.values() if "finexpert:delete-after" in tags]
    assert len(tagged) == len(warned) < 5 and not found["complete"]


def test_a_message_is_cut_where_a_topic_would_refuse_it() -> None:
    cloud = idle(400)
    reaped(cloud, warn=timedelta(minutes=30), topic_arn=TOPIC)
    [message] = cloud.messages
    assert len(message["Message"]) < 256_000 and "more lines" in message["Message"]


class TestRegions:
    def fleet(self, deletes: int = 5) -> tuple[dict[str, ReaperCloud], dict[str, Any]]:
        clouds = {"us-east-1": ReaperCloud(), "eu-west-1": ReaperCloud()}
        clouds["us-east-1"].endpoint("cheap", instance_type="ml.g4dn.xlarge")
        clouds["eu-west-1"].endpoint("unpriced", instance_type="ml.z99.large")
        clouds["us-east-1"].endpoint("dear", instance_type="ml.g5.12xlarge")
        settings = ReaperSettings(max_deletes=deletes, topic_arn=TOPIC, audit_bucket="b", regions=(*clouds,))
        home = clouds["us-east-1"]
        runs = [
            Run(cloud, settings.of_region(region), lambda: home.now, pause=lambda _: None, home=home)
            for region, cloud in clouds.items()
        ]
        return clouds, reap(runs)

    def test_each_is_looked_at_and_home_has_messages_and_snapshots(self) -> None:
        clouds, found = self.fleet()
        assert actions(found) == {"cheap": "delete", "dear": "delete", "unpriced": "delete"}
        assert len(clouds["us-east-1"].objects) == 3 and not clouds["eu-west-1"].objects
        assert clouds["us-east-1"].messages and not clouds["eu-west-1"].messages
        assert found["api_calls"] == sum(cloud.calls for cloud in clouds.values())

    def test_the_limit_holds_for_all_together_dearest_first(self) -> None:
        _, found = self.fleet(deletes=1)
        assert [d["endpoint"] for d in found["decisions"] if d["action"] == "delete"] == ["dear"]

    def test_one_that_cannot_be_listed_stops_no_other(self) -> None:
        clouds = {"us-east-1": Cloud(), "eu-west-1": Cloud()}
        for cloud in clouds.values():
            cloud.endpoint("idle")
        clouds["eu-west-1"].failures["ListEndpoints"] = error("AccessDeniedException", "not here")
        settings = ReaperSettings(regions=tuple(clouds))
        runs = [Run(cloud, settings.of_region(region), lambda: NOW) for region, cloud in clouds.items()]
        found = reap(runs)
        assert [d["action"] for d in found["decisions"]] == ["delete"] and found["complete"] is False

    def test_the_hosting_stack_is_only_at_home(self) -> None:
        settings = ReaperSettings(hosting_stack="FinExpert-Hosting", region="us-east-1")
        assert settings.of_region("us-east-1").hosting_stack
        assert not settings.of_region("eu-west-1").hosting_stack

    def test_they_are_read_from_the_environment(self) -> None:
        regions = ("eu-west-1", "us-east-1")
        assert ReaperSettings.load({"REGIONS": ", ".join(regions)}, {}).regions == regions


class TestHanging:
    @pytest.mark.parametrize(
        ("status", "modified", "stuck"),
        [
            ("Creating", 200, True),
            ("Creating", 100, False),
            ("Updating", 13 * 60, True),
            ("Updating", 9 * 60, False),
            ("SystemUpdating", 13 * 60, True),
            ("Deleting", 70, True),
            ("Deleting", 50, False),
            ("InService", 9999, False),
        ],
    )
    def test_an_endpoint(self, status: str, modified: float, stuck: bool) -> None:
        cloud = Cloud()
        cloud.requests(cloud.endpoint("e", age=modified, status=status), 5)
        [decision] = self.run(cloud)["decisions"]
        assert ("stuck" in decision["evidence"]) is stuck
        assert bool(self.published(cloud)) is stuck
        assert bool(cloud.messages) is stuck
        assert not cloud.called("DeleteEndpoint")

    @pytest.mark.parametrize(("status", "age"), [("Creating", 2000), ("Updating", 2000), ("Deleting", 90)])
    def test_a_component_of_an_endpoint_in_use(self, status: str, age: float) -> None:
        cloud = Cloud()
        endpoint = cloud.endpoint("e", age=3000, hosts_components=True)
        cloud.metric("Invocations", 5, InferenceComponentName=cloud.component("good", endpoint))
        cloud.component("bad", endpoint, status=status, age=age)
        cloud.component_delay = 99
        [decision] = self.run(cloud)["decisions"]
        assert decision["action"] != "delete" and "bad has been in" in decision["evidence"]["stuck"][0]
        assert self.published(cloud) == [1.0] and "bad" in cloud.messages[0]["Message"]

    def test_what_is_out_of_scope_is_kept(self) -> None:
        cloud = Cloud()
        cloud.endpoint("theirs", age=9999, status="Creating", project="Theirs")
        self.run(cloud)
        assert not cloud.messages and not self.published(cloud)
        self.run(cloud, scope=Scope.ACCOUNT)
        assert cloud.messages and self.published(cloud) == [1.0]

    def test_people_are_informed_once_a_day_and_the_metric_goes_on(self) -> None:
        cloud = Cloud()
        cloud.endpoint("e", age=9999, status="Creating")
        self.run(cloud)
        cloud.now += minutes(5)
        self.run(cloud)
        assert len(cloud.messages) == 1 and len(cloud.called("PutMetricData")) == 2

    def test_a_metric_that_cannot_be_published_stops_nothing(self) -> None:
        cloud = Cloud()
        cloud.endpoint("e", age=9999, status="Creating")
        cloud.endpoint("idle")
        cloud.failures["PutMetricData"] = error("AccessDenied", "no")
        assert [d["action"] for d in self.run(cloud)["decisions"]] == ["keep", "delete"]

    def test_a_dry_run_raises_no_alarm(self) -> None:
        cloud = Cloud()
        cloud.endpoint("e", age=9999, status="Creating")
        assert "stuck" in self.run(cloud, dry_run=True)["decisions"][0]["evidence"]
        assert not cloud.messages and not cloud.called("PutMetricData")

    def test_a_deletion_that_failed_alarms(self) -> None:
        cloud = Cloud()
        cloud.endpoint("idle")
        cloud.failures["DeleteEndpoint"] = error("AccessDeniedException", "not yours")
        self.run(cloud)
        assert self.published(cloud) == [1.0]

    def run(self, cloud: Cloud, **settings: Any) -> dict[str, Any]:
        return reaped(cloud, topic_arn=TOPIC, **settings)

    def published(self, cloud: Cloud) -> list[float]:
        series = ("FinExpert", "StuckResources", frozenset({("Project", "FinExpert")}))
        return list(cloud.points.get(series, {}).values())


def test_the_warning_tells_cost_waste_and_both_ways_to_snooze() -> None:
    cloud = Cloud()
    cloud.endpoint("idle")
    reaped(cloud, warn=timedelta(minutes=30), topic_arn=TOPIC)
    text = cloud.messages[0]["Message"]
    assert "It costs $" in text and "since it was last used" in text
    assert "finexpert snooze idle --hours 24" in text
    assert f"--resource-arn {arn('endpoint', 'idle')}" in text


@pytest.mark.parametrize("moment", ["PutObject", "DeleteEndpoint", "DescribeEndpoint"])
def test_two_runs_at_once_do_what_one_does(moment: str) -> None:
    cloud = ReaperCloud()
    cloud.endpoint("idle", hosts_components=True)
    cloud.component("base", "idle")
    cloud.requests(cloud.endpoint("busy"), 5)
    settings = ReaperSettings(audit_bucket="audit-bucket")
    inner: list[dict[str, Any]] = []

    def another(operation: str, request: dict[str, Any]) -> None:
        if operation == moment and not inner:
            inner.append({})
            inner[0] = reaped(cloud, settings)

    cloud.before = another
    outer = reaped(cloud, settings)
    assert set(cloud.endpoints) == {"busy"} and len(cloud.objects) == 1
    assert actions(inner[0]) == {"idle": "delete", "busy": "keep"}
    assert actions(outer)["idle"] in ("delete", "keep", "notify")


def test_clients_wait_and_try_again_when_aws_throttles(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Throttled(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.headers["X-Amz-Target"])
            throttled = len(seen) < 3
            body = b'{"__type": "ThrottlingException"}' if throttled else b'{"Endpoints": []}'
            self.send_response(400 if throttled else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Throttled)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    try:
        clients = AwsClients("us-east-1")
        assert clients("sagemaker").list_endpoints()["Endpoints"] == []
    finally:
        server.shutdown()
        server.server_close()
    assert len(seen) == clients.calls == 3


def test_importing_the_function_loads_no_aws_library_and_nothing_heavy() -> None:
    program = (
        "import sys, lambdas.idle_reaper.handler;"
        "print([name for name in ('boto3', 'botocore', 'urllib3', 'asyncio') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
