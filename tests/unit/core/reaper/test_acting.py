"""What the reaper does with idle endpoints: warn, snooze, sleep, snapshot, delete, in the right order and
only once."""

import json
from datetime import timedelta
from typing import Any

import pytest

from core.names import DELETE_AFTER_TAG
from tests.fakes.cloud import NOW, Cloud, arn, error, minutes
from tests.unit.core.reaper.reaping import actions, decided, reaped


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


class TestContract:
    def test_the_answer_has_the_contract_s_fields_and_is_json(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")
        answer = reaped(cloud)
        assert set(answer) == {"decisions", "api_calls", "complete"}
        assert set(answer["decisions"][0]) == {"endpoint", "action", "reason", "evidence"}
        assert json.loads(json.dumps(answer)) == answer
        assert answer["api_calls"] == len(cloud.log)
        assert answer["complete"] is True

    def test_one_audit_line_a_decision(self, cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
        cloud.endpoint("idle")
        cloud.endpoint("young", age=1)
        decided(cloud)
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [x["endpoint"] for x in lines if x["event"] == "decision"] == ["idle", "young"]

    def test_the_evidence_says_what_was_seen_and_what_it_costs(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")
        evidence = decided(cloud)["idle"]["evidence"]
        assert evidence["metrics"]["Invocations{EndpointName=idle, VariantName=AllTraffic}"] == 0
        assert evidence["usd_per_hour"] > 1 and evidence["wasted_usd_at_least"] > evidence["usd_per_hour"]
        assert evidence["window"][0] == "2026-11-20T10:57:20+00:00"


class TestDeleting:
    def test_scaling_then_adapters_then_base_then_endpoint(self, cloud: Cloud) -> None:
        cloud.component_delay = 2
        cloud.endpoint("idle", hosts_components=True)
        cloud.component("base", "idle", age=280)
        cloud.component("tuned", "idle", age=200)
        target = {
            "ServiceNamespace": "sagemaker",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }
        cloud.targets = [
            {**target, "ResourceId": "endpoint/idle/variant/AllTraffic"},
            {**target, "ResourceId": "endpoint/idle-but-another/variant/AllTraffic"},
        ]
        assert decided(cloud)["idle"]["action"] == "delete"
        changes = [
            (name, request.get("InferenceComponentName") or request.get("EndpointName"))
            for name, request in cloud.log
            if name.startswith(("Delete", "Deregister"))
        ]
        assert changes == [
            ("DeregisterScalableTarget", None),
            ("DeleteInferenceComponent", "tuned"),
            ("DeleteInferenceComponent", "base"),
            ("DeleteEndpoint", "idle"),
        ]
        assert [t["ResourceId"] for t in cloud.targets] == ["endpoint/idle-but-another/variant/AllTraffic"]
        assert "idle-config" in cloud.configs

    def test_snapshot_is_written_before_anything_is_removed(self, cloud: Cloud) -> None:
        cloud.endpoint("idle", hosts_components=True)
        cloud.component("base", "idle")
        cloud.targets = [
            {
                "ServiceNamespace": "sagemaker",
                "ResourceId": "inference-component/base",
                "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
            }
        ]
        decision = decided(cloud, audit_bucket="audit-bucket")["idle"]
        [(where, body)] = cloud.objects.items()
        assert where[1] in decision["reason"]
        document = json.loads(body)
        assert document["endpoint"]["EndpointName"] == "idle"
        assert document["endpoint_config"]["ProductionVariants"][0]["InstanceType"] == "ml.g5.2xlarge"
        assert document["inference_components"][0]["InferenceComponentName"] == "base"
        assert document["scaling"]["targets"] and document["scaling"]["policies"]
        assert document["tags"] == {"finexpert:project": "FinExpert"}
        order = [name for name, _ in cloud.log]
        assert order.index("PutObject") < order.index("DeregisterScalableTarget")

    def test_without_its_snapshot_nothing_is_deleted(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")
        cloud.failures["PutObject"] = error("AccessDenied", "no")
        assert decided(cloud, audit_bucket="audit-bucket")["idle"]["action"] == "notify"
        assert "idle" in cloud.endpoints

    def test_a_refused_deletion_is_reported_and_not_claimed(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")
        cloud.failures["DeleteEndpoint"] = error("AccessDeniedException", "not yours")
        decision = decided(cloud)["idle"]
        assert decision["action"] == "notify" and "not yours" in decision["reason"]
        assert "still bills" in cloud.messages[0]["Message"]

    def test_an_endpoint_that_someone_else_deleted_in_between_is_no_error(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")

        def race(operation: str, request: dict[str, Any]) -> None:
            if operation == "DeleteEndpoint":
                cloud.endpoints.pop("idle", None)

        cloud.before = race
        assert decided(cloud)["idle"]["action"] == "delete"

    def test_dearest_first_and_no_more_than_allowed(self, cloud: Cloud) -> None:
        cloud.endpoint("cheap", instance_type="ml.m5.xlarge")
        cloud.endpoint("dear", instance_type="ml.g5.12xlarge")
        cloud.endpoint("middle", instance_type="ml.g5.2xlarge", variants={"a": 1, "b": 1})
        assert actions(reaped(cloud, max_deletes=2)) == {
            "cheap": "keep",
            "dear": "delete",
            "middle": "delete",
        }
        assert set(cloud.endpoints) == {"cheap"}

    def test_an_unpriced_instance_type_is_deleted_last_but_deleted(self, cloud: Cloud) -> None:
        cloud.endpoint("unpriced", instance_type="ml.z99.large")
        cloud.endpoint("priced")
        assert actions(reaped(cloud, max_deletes=1)) == {"unpriced": "keep", "priced": "delete"}
        assert decided(cloud)["unpriced"]["action"] == "delete"

    def test_a_run_out_of_time_says_so_and_deletes_nothing(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")
        answer = reaped(cloud, seconds_left=lambda: 10.0)
        assert answer["complete"] is False
        assert answer["decisions"][0]["action"] == "keep" and "idle" in cloud.endpoints


class TestFreshLook:
    def saved_by(self, cloud: Cloud, change: Any) -> dict[str, Any]:
        """Let `change` happen between the first look and the deletion."""
        cloud.endpoint("idle")
        seen: list[str] = []

        def meanwhile(operation: str, request: dict[str, Any]) -> None:
            if operation == "DescribeEndpoint":
                seen.append(operation)
                if len(seen) == 2:
                    change()

        cloud.before = meanwhile
        decision = decided(cloud)["idle"]
        assert not cloud.called("DeleteEndpoint")
        return decision

    def test_traffic_that_arrived_saves(self, cloud: Cloud) -> None:
        decision = self.saved_by(cloud, lambda: cloud.requests("idle", 0))
        assert decision["action"] == "keep" and "requests" in decision["reason"]

    def test_traffic_saves_also_if_the_first_look_took_long(self, cloud: Cloud) -> None:
        def ten_minutes_pass() -> None:
            cloud.now += minutes(10)
            cloud.requests("idle", 0)

        cloud.endpoint("idle")
        cloud.before = lambda operation, _: (
            ten_minutes_pass() if operation == "DescribeEndpointConfig" else None
        )
        assert decided(cloud)["idle"]["action"] == "keep" and "idle" in cloud.endpoints

    def test_a_tag_that_was_set_saves(self, cloud: Cloud) -> None:
        tags = cloud.tags
        keep = {"finexpert:keep": "true"}
        decision = self.saved_by(cloud, lambda: tags[arn("endpoint", "idle")].update(keep))
        assert decision["action"] == "keep" and "protected" in decision["reason"]

    def test_an_update_that_began_saves(self, cloud: Cloud) -> None:
        decision = self.saved_by(cloud, lambda: cloud.endpoints["idle"].update(EndpointStatus="Updating"))
        assert decision["action"] == "keep"

    def test_another_endpoint_of_the_same_name_is_not_the_one_that_was_idle(self, cloud: Cloud) -> None:
        decision = self.saved_by(
            cloud, lambda: cloud.endpoints["idle"].update(CreationTime=NOW - minutes(299))
        )
        assert decision["action"] == "keep" and "anew" in decision["reason"]

    def test_a_series_that_only_the_second_listing_shows_saves(self, cloud: Cloud) -> None:
        def appear() -> None:
            dimensions = {"EndpointName": "idle", "VariantName": "AllTraffic", "InstanceId": "i"}
            cloud.metric("ModelLatency", 20, 5.0, **dimensions)

        assert self.saved_by(cloud, appear)["action"] == "keep"


class TestUnreadable:
    """What cannot be read is kept, and the run says that it is not complete."""

    @pytest.mark.parametrize("operation", ["GetMetricData", "DescribeEndpoint", "ListTags"])
    def test_an_error_is_not_idleness(self, cloud: Cloud, operation: str) -> None:
        cloud.endpoint("idle")
        cloud.ever_tagged.clear()  # so that the tags must be asked for
        cloud.failures[operation] = error("ThrottlingException", "Rate exceeded")
        decision = decided(cloud)["idle"]
        assert decision["action"] == "keep" and "Rate exceeded" in decision["reason"]
        assert not reaped(cloud)["complete"]
        assert "idle" in cloud.endpoints

    def test_one_query_that_fails_keeps_its_endpoint_only(self, cloud: Cloud) -> None:
        cloud.endpoint("sick")
        cloud.endpoint("idle")
        real = cloud.get_metric_data

        def partly(**request: Any) -> dict[str, Any]:
            answer = real(**request)
            names = {
                q["Id"]: str(q["MetricStat"]["Metric"]["Dimensions"]) for q in request["MetricDataQueries"]
            }
            for result in answer["MetricDataResults"]:
                if "sick" in names[result["Id"]]:
                    result["StatusCode"] = "InternalError"
            return answer

        cloud.get_metric_data = partly  # type: ignore[method-assign]
        assert actions(reaped(cloud)) == {"sick": "keep", "idle": "delete"}

    def test_metric_pages_are_put_together(self, cloud: Cloud) -> None:
        cloud.points_a_page = 1
        for number in range(4):
            cloud.requests(cloud.endpoint(f"busy-{number}"), 20, 30)
        cloud.endpoint("idle")
        assert {name for name, action in actions(reaped(cloud)).items() if action == "delete"} == {"idle"}

    def test_a_deleted_configuration_hides_the_price_but_does_not_save(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")
        cloud.configs.clear()
        answer = reaped(cloud, audit_bucket="b")
        assert answer["complete"] and answer["decisions"][0]["action"] == "delete"
        assert "usd_per_hour" not in answer["decisions"][0]["evidence"]
        assert json.loads(next(iter(cloud.objects.values())))["endpoint_config"] is None

    def test_a_list_cut_short_judges_only_what_was_read(self, cloud: Cloud) -> None:
        for number in range(150):
            cloud.endpoint(f"idle-{number}")
        cloud.failures["ListEndpoints"] = lambda request: (
            error("ThrottlingException", "Rate exceeded") if "NextToken" in request else None
        )
        answer = reaped(cloud, max_deletes=1000)
        assert answer["complete"] is False
        assert len(answer["decisions"]) == 100 and len(cloud.endpoints) == 50

    def test_no_list_at_all_is_an_empty_incomplete_answer(self, cloud: Cloud) -> None:
        cloud.failures["ListEndpoints"] = error("AccessDeniedException", "no")
        answer = reaped(cloud)
        assert answer["decisions"] == [] and answer["complete"] is False

    def test_unlisted_components_keep_what_may_have_some(self, cloud: Cloud) -> None:
        cloud.endpoint("hosts", hosts_components=True)
        cloud.endpoint("plain")
        cloud.failures["ListInferenceComponents"] = error("AccessDeniedException", "no")
        answer = reaped(cloud)
        assert actions(answer) == {"hosts": "keep", "plain": "delete"} and answer["complete"] is False


class TestWarning:
    WARN = timedelta(minutes=30)

    def test_first_a_tag_and_a_message_then_the_deletion(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")
        assert decided(cloud, warn=self.WARN)["idle"]["action"] == "warn"
        assert cloud.tags[arn("endpoint", "idle")][DELETE_AFTER_TAG] == "2026-11-20T12:30:20Z"
        message = cloud.messages[0]["Message"]
        assert "/h" in message and "finexpert:keep,Value=2026-11-21T12:00Z" in message

        cloud.now += minutes(20)
        assert decided(cloud, warn=self.WARN)["idle"]["action"] == "warn"
        assert len(cloud.messages) == 1, "a warning is sent once"
        assert "idle" in cloud.endpoints

        cloud.now += minutes(11)
        assert decided(cloud, warn=self.WARN)["idle"]["action"] == "delete"
        assert "idle" not in cloud.endpoints

    def test_use_after_the_warning_withdraws_it(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")
        decided(cloud, warn=self.WARN)
        cloud.now += minutes(10)
        cloud.requests("idle", 1)
        assert decided(cloud, warn=self.WARN)["idle"]["action"] == "keep"
        assert DELETE_AFTER_TAG not in cloud.tags[arn("endpoint", "idle")]

    def test_a_warning_that_was_not_withdrawn_is_void_if_it_was_used_since(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")
        decided(cloud, warn=self.WARN)
        cloud.now += minutes(10)
        cloud.requests("idle", 1)
        cloud.now += minutes(120)  # no run saw the use; now it is idle again and the deadline long past
        assert decided(cloud, warn=self.WARN)["idle"]["action"] == "warn"
        assert cloud.tags[arn("endpoint", "idle")][DELETE_AFTER_TAG] == "2026-11-20T14:40:20Z"
        assert "idle" in cloud.endpoints

    def test_the_keep_tag_snoozes(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")
        decided(cloud, warn=self.WARN)
        cloud.tags[arn("endpoint", "idle")]["finexpert:keep"] = "2026-11-20T20:00Z"
        cloud.now += minutes(60)
        assert decided(cloud, warn=self.WARN)["idle"]["action"] == "keep"
        cloud.now += minutes(480)
        assert decided(cloud, warn=self.WARN)["idle"]["action"] == "delete"

    def test_a_dry_run_sends_no_warning(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")
        assert decided(cloud, warn=self.WARN, dry_run=True)["idle"]["action"] == "warn"
        assert not cloud.messages and DELETE_AFTER_TAG not in cloud.tags[arn("endpoint", "idle")]

    def test_a_tag_that_cannot_be_written_is_reported(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")
        cloud.failures["AddTags"] = error("AccessDeniedException", "no")
        assert decided(cloud, warn=self.WARN)["idle"]["action"] == "notify"


def test_a_topic_that_fails_does_not_stop_the_deletion(cloud: Cloud) -> None:
    cloud.endpoint("idle")
    cloud.failures["Publish"] = error("NotFound", "no topic")
    assert decided(cloud)["idle"]["action"] == "delete"
    assert "idle" not in cloud.endpoints
