"""What CloudTrail tells of deleted endpoints, and what notebooks, processing jobs and apps cost."""

from datetime import timedelta
from typing import Any

import pytest

from core.money.prices import hourly
from tests.fakes.cloud import NOW, REGION, Cloud, error, service_model
from tests.unit.core.money.spend_samples import HOUR, MONTH, app, month, notebook


class TestGone:
    """Deleted endpoints, from the calls that CloudTrail recorded."""

    TAGS = [{"key": "finexpert:project", "value": "FinExpert"}]  # noqa: RUF012

    def made(self, cloud: Cloud, name: str, ago: float, *, tags: Any = None) -> None:
        config = f"{name}-config"
        cloud.configs[config] = {
            "EndpointConfigName": config,
            "ProductionVariants": [
                {"VariantName": "AllTraffic", "InstanceType": "ml.g5.2xlarge", "InitialInstanceCount": 1}
            ],
        }
        cloud.recorded(
            ago,
            "CreateEndpoint",
            endpointName=name,
            endpointConfigName=config,
            tags=self.TAGS if tags is None else tags,
        )

    def hours(self, cloud: Cloud) -> float:
        spend = month(cloud)
        assert not spend.unread and not spend.unpriced
        return spend.total_usd / hourly("ml.g5.2xlarge", REGION, "hosting").usd

    def test_an_endpoint_deleted_by_hand_still_counts(self) -> None:
        cloud = Cloud()
        self.made(cloud, "by-hand", 300)
        cloud.recorded(120, "DeleteEndpoint", endpointName="by-hand")
        assert self.hours(cloud) == pytest.approx((180 + 5) / 60)

    def test_it_counts_until_now_while_its_deletion_is_not_reported_yet(self) -> None:
        cloud = Cloud()
        self.made(cloud, "by-hand", 60)
        assert self.hours(cloud) == pytest.approx(1.0)

    def test_one_that_runs_is_reported_by_sagemaker_alone(self) -> None:
        cloud = Cloud()
        cloud.endpoint("by-hand", age=60)
        self.made(cloud, "by-hand", 60)
        assert self.hours(cloud) == pytest.approx(1.0)

    def test_made_again_under_the_same_name_both_lives_count(self) -> None:
        cloud = Cloud()
        cloud.endpoint("by-hand", age=30)
        self.made(cloud, "by-hand", 300)
        cloud.recorded(185, "DeleteEndpoint", endpointName="by-hand")
        self.made(cloud, "by-hand", 30)
        assert self.hours(cloud) == pytest.approx(2.5)

    def test_its_deleted_configuration_is_read_from_the_call_that_made_it(self) -> None:
        cloud = Cloud()
        self.made(cloud, "by-hand", 300)
        cloud.recorded(125, "DeleteEndpoint", endpointName="by-hand")
        cloud.configs.clear()
        cloud.recorded(
            301,
            "CreateEndpointConfig",
            endpointConfigName="by-hand-config",
            productionVariants=[{"instanceType": "ml.g5.2xlarge", "initialInstanceCount": 2}],
        )
        assert self.hours(cloud) == pytest.approx(2 * 3)

    @pytest.mark.parametrize("deleted", [False, True], ids=["configuration there", "configuration deleted"])
    def test_what_billed_by_the_request_alone_costs_no_hours(self, deleted: bool) -> None:
        cloud = Cloud()
        self.made(cloud, "by-hand", 300)
        variant = {"VariantName": "v", "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
        cloud.configs["by-hand-config"]["ProductionVariants"] = [variant]
        if deleted:
            cloud.configs.clear()
            written = {"variantName": "v", "serverlessConfig": {"memorySizeInMB": 2048, "maxConcurrency": 5}}
            name = "by-hand-config"
            cloud.recorded(301, "CreateEndpointConfig", endpointConfigName=name, productionVariants=[written])
        cloud.recorded(125, "DeleteEndpoint", endpointName="by-hand")
        assert self.hours(cloud) == 0

    def test_a_record_without_its_variants_is_a_doubt(self) -> None:
        cloud = Cloud()
        self.made(cloud, "by-hand", 300)
        cloud.configs.clear()
        cloud.recorded(301, "CreateEndpointConfig", endpointConfigName="by-hand-config")
        assert "by-hand" in month(cloud).unpriced[0]

    def test_a_configuration_that_nothing_tells_of_is_a_doubt(self) -> None:
        cloud = Cloud()
        self.made(cloud, "by-hand", 300)
        cloud.configs.clear()
        assert "by-hand" in month(cloud).unpriced[0]

    def test_an_update_changes_the_price_from_then_on(self) -> None:
        cloud = Cloud()
        self.made(cloud, "by-hand", 300)
        cloud.configs["two"] = {
            "EndpointConfigName": "two",
            "ProductionVariants": [{"InstanceType": "ml.g5.2xlarge", "InitialInstanceCount": 2}],
        }
        cloud.recorded(240, "UpdateEndpoint", endpointName="by-hand", endpointConfigName="two")
        cloud.recorded(65, "DeleteEndpoint", endpointName="by-hand")
        assert self.hours(cloud) == pytest.approx(1 + 2 * 3)

    @pytest.mark.parametrize("name", ["theirs", "refused", "finexpert"])
    def test_what_is_not_ours_was_refused_or_is_hosting_s_does_not_count(self, name: str) -> None:
        cloud = Cloud()
        if name == "refused":
            cloud.recorded(300, "CreateEndpoint", "AccessDenied", endpointName=name, tags=self.TAGS)
        else:
            self.made(cloud, name, 300, tags=[] if name == "theirs" else None)
        assert self.hours(cloud) == 0

    def test_only_this_month_s_part_counts(self) -> None:
        cloud = Cloud()
        since_month = (NOW - MONTH) / timedelta(minutes=1)
        self.made(cloud, "by-hand", since_month + 600)
        cloud.recorded(since_month - 55, "DeleteEndpoint", endpointName="by-hand")
        assert self.hours(cloud) == pytest.approx(1.0)

    def test_a_trail_that_cannot_be_read_is_a_doubt(self) -> None:
        cloud = Cloud()
        cloud.failures["LookupEvents"] = error("AccessDenied", "no")
        assert "endpoints: AccessDenied" in month(cloud).unread[0]


class TestMachines:
    """Notebooks, processing jobs and apps of the region."""

    def test_what_runs_counts_by_its_own_price(self) -> None:
        cloud = Cloud()
        began = NOW - 2 * HOUR
        cloud.notebooks = [notebook("mine", "InService", began), notebook("asleep", "Stopped", began)]
        kinds = ("ml.t3.medium", "system")
        cloud.apps = [app("default", "InService", NOW - HOUR, kind=kind) for kind in kinds]
        spend = month(cloud)
        assert not spend.unpriced
        assert {line.kind: round(line.usd, 4) for line in spend.lines} == {"notebook": 0.1, "studio": 0.05}

    def test_every_status_counts_that_may_have_an_instance(self) -> None:
        notebooks, apps = (
            [*service_model("sagemaker").shape_for(name).enum, "InventedTomorrow"]
            for name in ("NotebookInstanceStatus", "AppStatus")
        )
        cloud = Cloud()
        cloud.notebooks = [notebook(status, status) for status in notebooks]
        cloud.apps = [app(status, status) for status in apps]
        names = {line.name for line in month(cloud).lines}
        assert names & set(notebooks) == set(notebooks) - {"Stopped", "Failed", "Deleting"}
        assert {n.removeprefix("JupyterLab ") for n in names if " " in n} == set(apps) - {"Deleted", "Failed"}

    def test_a_processing_job_without_a_price_is_a_doubt_and_never_free_silently(self) -> None:
        cloud = Cloud()
        cloud.processing["p"] = {
            "ProcessingJobName": "p",
            "LastModifiedTime": NOW,
            "ProcessingStartTime": NOW - HOUR,
            "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.z9.huge", "InstanceCount": 2}},
        }
        assert "ml.z9.huge" in month(cloud).unpriced[0]
