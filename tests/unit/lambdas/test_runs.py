"""The state machine's small functions: validate_dataset, read_evaluation, stop_training."""

import io
import json
import tarfile
from typing import Any

import pytest

from core.dataset import DatasetError, validation
from core.dataset.validation import ValidationSettings
from core.evaluation.archive import ArchiveError, extract
from core.evaluation.evaluation import EvaluationError
from core.evaluation.reading import read
from core.training_jobs import StopFailed, stop_jobs_of
from tests.fakes.archives import packed, special
from tests.fakes.cloud import REGION, Cloud, error
from tests.fakes.evaluations import compared

TEXT = "\n\n".join(
    f"In quarter {n} the fund's net revenue rose by {n} percent to {n * 7} million." for n in range(80)
)


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def validate(event: dict[str, Any], *, configured: dict[str, str], clients: Cloud) -> dict[str, Any]:
    settings = ValidationSettings(
        hyperparameters=configured, region=REGION, instance_type="ml.g5.2xlarge", instances=1
    )
    return validation.validate(event, settings=settings, clients=clients)


class TestValidateDataset:
    def put(self, cloud: Cloud, **files: str) -> dict[str, Any]:
        for name, text in files.items():
            cloud.objects[("data", f"datasets/mine/{name}")] = text.encode()
        return {"dataset": "s3://data/datasets/mine/", "hyperparameters": {}}

    @pytest.mark.parametrize("overrides", [{"lora_r": "128"}, {"use_dora": "True"}])
    def test_an_adapter_that_the_endpoint_cannot_load_costs_nothing(
        self, cloud: Cloud, overrides: dict[str, str]
    ) -> None:
        settings = ValidationSettings.load(
            {
                "HYPERPARAMETERS": "{}",
                "AWS_REGION": REGION,
                "TRAINING_INSTANCE_TYPE": "ml.g5.2xlarge",
                "TRAINING_INSTANCE_COUNT": "1",
                "SERVED_LORA_RANK": "64",
            }
        )
        event = self.put(cloud, **{"a.txt": TEXT}) | {"hyperparameters": overrides}
        with pytest.raises(DatasetError, match="endpoint"):
            validation.validate(event, settings=settings, clients=cloud)

    def test_a_run_that_could_not_be_judged_costs_nothing(self, cloud: Cloud) -> None:
        few = self.put(cloud, **{"a.txt": "\n\n".join(TEXT.split("\n\n")[:11])})
        with pytest.raises(DatasetError, match=r"in vain: .* 6 are needed") as told:
            validate(few | {"unjudged": False}, configured={}, clients=cloud)
        assert '"unjudged": true' in str(told.value)
        assert validate(few | {"unjudged": True}, configured={}, clients=cloud)["documents"] == 11
        enough = self.put(cloud, **{"a.txt": TEXT}) | {"unjudged": False}
        assert validate(enough, configured={}, clients=cloud)["documents"] == 80

    def test_a_good_dataset_gets_the_complete_recipe_with_its_overrides(self, cloud: Cloud) -> None:
        event = self.put(cloud, **{"a.txt": TEXT, "b.txt": TEXT.replace("fund", "bank"), ".hidden": "x"})
        event["hyperparameters"] = {"epoch": "2"}
        answer = validate(event, configured={"epoch": "7", "lora_r": "4"}, clients=cloud)
        assert answer["documents"] == 160
        assert {answer["hyperparameters"][k] for k in ("epoch", "lora_r")} == {"2", "4"}
        assert all(isinstance(value, str) for value in answer["hyperparameters"].values())
        assert answer["understood"][0].startswith("a.txt: documents separated by blank lines")
        assert answer["first"]["file"] == "a.txt"
        assert set(answer) == {
            "hyperparameters",
            "labels",
            "understood",
            "first",
            "documents",
            "bytes",
            "share_read",
            "tokens_estimated",
            "tokens_range",
            "trained_tokens",
            "optimizer_steps",
            "expected",
            "warnings",
            "sentence",
        }
        assert json.loads(json.dumps(answer)) == answer
        assert answer["labels"] == {"name": "", "by": "", "data": "mine"}
        assert answer["share_read"] == 1
        assert answer["tokens_range"][0] < answer["tokens_estimated"] < answer["tokens_range"][1]
        assert "minutes and $0." in answer["expected"] and "on ml.g5.2xlarge: start" in answer["expected"]
        assert len(cloud.called("ListObjectsV2")) == 2, "the pages of the list are followed"

    def test_what_people_call_the_run_is_short_enough_for_every_place(self, cloud: Cloud) -> None:
        event = self.put(cloud, **{"a.txt": TEXT, "b.txt": TEXT.replace("fund", "bank")})
        named = validate(event | {"name": "Q3 \n wording" * 50, "by": 7}, configured={}, clients=cloud)
        assert named["labels"]["name"].startswith("Q3 wording") and len(named["labels"]["name"]) == 100
        assert named["labels"]["by"] == "7"

    def test_a_validation_folder_is_the_other_channel(self, cloud: Cloud) -> None:
        alone = validate(self.put(cloud, **{"a.txt": TEXT}), configured={}, clients=cloud)
        event = self.put(cloud, **{"a.txt": TEXT, "validation/v.txt": TEXT.replace("fund", "desk")})
        with_channel = validate(event, configured={"per_device_train_batch_size": "1"}, clients=cloud)
        assert with_channel["optimizer_steps"] > alone["optimizer_steps"]

    def test_of_much_text_the_beginning_of_each_file_is_read_and_the_answer_says_so(
        self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        event = self.put(cloud, **{"a.txt": TEXT, "b.txt": TEXT.replace("fund", "bank"), "c.txt": "One."})
        whole = validate(event, configured={}, clients=cloud)
        monkeypatch.setattr(validation, "MOST_BYTES", 4000)
        cloud.log.clear()
        part = validate(event, configured={}, clients=cloud)
        assert 0.3 < part["share_read"] < 0.4
        ranges = [request.get("Range") for request in cloud.called("GetObject")]
        assert ranges == ["bytes=0-1998", "bytes=0-1998", None]
        assert part["tokens_estimated"] == pytest.approx(whole["tokens_estimated"], rel=0.1)
        assert any("% of the text was read here" in warning for warning in part["warnings"])

    def test_of_too_many_files_some_are_opened(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        files = {f"{n:02}.txt": TEXT.replace("fund", f"fund {n}") for n in range(12)}
        monkeypatch.setattr(validation, "MOST_FILES", 4)
        answer = validate(self.put(cloud, **files), configured={}, clients=cloud)
        opened = [request["Key"] for request in cloud.called("GetObject")]
        assert opened == [f"datasets/mine/{n:02}.txt" for n in (0, 3, 6, 9)]
        assert answer["documents"] == pytest.approx(12 * 80, rel=0.01)

    def test_a_file_that_cannot_be_opened_is_named(self, cloud: Cloud) -> None:
        event = self.put(cloud, **{"a.txt": TEXT})
        cloud.failures["GetObject"] = error("AccessDenied", "Access Denied")
        with pytest.raises(DatasetError, match=r"a\.txt: cannot be read: .*Access Denied"):
            validate(event, configured={}, clients=cloud)

    def test_every_wrong_hyperparameter_is_named(self, cloud: Cloud) -> None:
        event = self.put(cloud, **{"a.txt": TEXT})
        event["hyperparameters"] = {"epoch": "many", "lorra_r": "8"}
        with pytest.raises(DatasetError) as caught:
            validate(event, configured={}, clients=cloud)
        assert "epoch" in str(caught.value) and "lorra_r" in str(caught.value)

    @pytest.mark.parametrize("uri", ["", "datasets/mine", "https://data/x/", "s3://data", "s3://data/"])
    def test_a_wrong_uri_says_how_to_write_it(self, cloud: Cloud, uri: str) -> None:
        with pytest.raises(DatasetError, match="s3://BUCKET"):
            validate({"dataset": uri}, configured={}, clients=cloud)

    def test_nothing_there(self, cloud: Cloud) -> None:
        with pytest.raises(DatasetError, match="upload the dataset first"):
            validate({"dataset": "s3://data/datasets/none/"}, configured={}, clients=cloud)

    def test_an_unreadable_bucket_is_reported(self, cloud: Cloud) -> None:
        cloud.failures["ListObjectsV2"] = error("NoSuchBucket", "The specified bucket does not exist")
        with pytest.raises(DatasetError, match="does not exist"):
            validate({"dataset": "s3://data/datasets/none/"}, configured={}, clients=cloud)


EVALUATION = {
    "passed": True,
    "primary": compared(1.2, 1.1, [-0.12, -0.08], metric="bits_per_byte"),
    "more": "whatever the trainer likes",
}


class TestReadEvaluation:
    EVENT: dict[str, Any] = {  # noqa: RUF012
        "run": "finexpert-1",
        "training_job": {
            "TrainingJobName": "finexpert-1",
            "TrainingJobStatus": "Completed",
            "ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 100},
            "TrainingStartTime": "2026-11-20T11:00:00.123Z",
            "TrainingEndTime": "2026-11-20T12:00:00.456Z",
            "BillableTimeInSeconds": 1800,
            "ModelArtifacts": {"S3ModelArtifacts": "s3://artifacts/runs/finexpert-1/output/model.tar.gz"},
        },
    }

    def answer(self, cloud: Cloud, body: bytes | None) -> dict[str, Any]:
        if body is not None:
            cloud.objects[("artifacts", "runs/finexpert-1/output/output.tar.gz")] = body
        return read(self.EVENT, bucket="artifacts", region=REGION, clients=cloud)

    def test_the_verdict_the_uris_and_the_cost(self, cloud: Cloud) -> None:
        body = packed(("./evaluation.json", json.dumps(EVALUATION).encode()), ("report.html", b"<html>"))
        answer = self.answer(cloud, body)
        assert answer["passed"] is True and answer["primary"] == EVALUATION["primary"]
        assert answer["artifact_uri"] == "s3://artifacts/runs/finexpert-1/output/model.tar.gz"
        assert answer["evaluation_uri"] == "s3://artifacts/runs/finexpert-1/evaluation.json"
        assert answer["report_uri"] == "s3://artifacts/runs/finexpert-1/report.html"
        assert answer["usd"] == 0.7575
        assert "1.2 → 1.1" in answer["sentence"] and "$0.76" in answer["sentence"]
        assert cloud.objects[("artifacts", "runs/finexpert-1/report.html")] == b"<html>"

    def test_a_spot_job_that_gave_up_counts_too(self, cloud: Cloud) -> None:
        body = packed(("evaluation.json", json.dumps(EVALUATION).encode()))
        cloud.objects[("artifacts", "runs/finexpert-1/output/output.tar.gz")] = body
        spot = {**self.EVENT["training_job"], "TrainingJobStatus": "Stopped", "BillableTimeInSeconds": 360}
        answer = read(
            {**self.EVENT, "earlier_jobs": [spot]}, bucket="artifacts", region=REGION, clients=cloud
        )
        assert answer["usd"] == pytest.approx(0.7575 + 0.1515)

    def test_no_output_says_where_to_look(self, cloud: Cloud) -> None:
        with pytest.raises(EvaluationError, match="see its log"):
            self.answer(cloud, None)

    def test_no_evaluation_in_it(self, cloud: Cloud) -> None:
        with pytest.raises(EvaluationError, match="holds no evaluation"):
            self.answer(cloud, packed(("report.html", b"<html>")))

    def test_every_missing_field_is_named(self, cloud: Cloud) -> None:
        bad = {"passed": "yes", "primary": {"metric": "m", "base": float("nan"), "tuned": 1, "interval": [1]}}
        with pytest.raises(EvaluationError) as caught:
            self.answer(cloud, packed(("evaluation.json", json.dumps(bad).encode())))
        for field in ("passed", "primary.base", "primary.difference", "primary.interval"):
            assert field in str(caught.value)

    def test_nothing_but_the_two_files_is_taken(self) -> None:
        body = packed(
            special("report.html", tarfile.SYMTYPE, "/etc/passwd"),
            ("../evaluation.json", b"{}"),
            ("/etc/evaluation.json", b"{}"),
            ("sub/report.html", b"x"),
            ("evaluation.json", b"{}"),
        )
        assert extract(io.BytesIO(body)) == {"evaluation.json": b"{}"}

    def test_an_oversized_file_is_refused(self) -> None:
        with pytest.raises(ArchiveError, match="at most"):
            extract(io.BytesIO(packed(("evaluation.json", b" " * (9 << 20)))))

    def test_too_many_members_are_refused(self) -> None:
        with pytest.raises(ArchiveError, match="files"):
            extract(io.BytesIO(packed(*((f"f{n}", b"") for n in range(1001)))))

    @pytest.mark.parametrize(
        "body",
        [b"", b"no archive", packed(("evaluation.json", b"{}"))[:-30]],
        ids=["empty", "no archive", "cut off"],  # not the bytes: they hold the time
    )
    def test_a_torn_archive_is_an_error(self, body: bytes) -> None:
        with pytest.raises(ArchiveError):
            extract(io.BytesIO(body))


class TestStopTraining:
    def event(self, status: str = "ABORTED") -> dict[str, Any]:
        detail = {"name": "finexpert-1", "status": status}
        return {"detail-type": "Step Functions Execution Status Change", "detail": detail}

    @pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED"])
    def test_the_job_and_its_on_demand_repetition_stop(self, cloud: Cloud, status: str) -> None:
        cloud.training_job("finexpert-1", hours=1, status="Stopped")
        cloud.training_job("finexpert-1-od", hours=1)
        answer = stop_jobs_of(self.event(status), cloud)
        assert answer == {"stopped": ["finexpert-1-od"], "absent": [], "over": ["finexpert-1"]}

    def test_a_repeated_event_does_no_harm(self, cloud: Cloud) -> None:
        cloud.training_job("finexpert-1", hours=1)
        stop_jobs_of(self.event(), cloud)
        assert stop_jobs_of(self.event(), cloud)["stopped"] == []
        assert len(cloud.called("StopTrainingJob")) == 1

    def test_an_execution_that_ended_well_stops_nothing(self, cloud: Cloud) -> None:
        cloud.training_job("finexpert-1", hours=1)
        stop_jobs_of(self.event("SUCCEEDED"), cloud)
        assert not cloud.log

    def test_a_job_that_cannot_be_stopped_fails_loudly_after_all_were_tried(self, cloud: Cloud) -> None:
        cloud.training_job("finexpert-1", hours=1)
        cloud.training_job("finexpert-1-od", hours=1)
        cloud.failures["StopTrainingJob"] = lambda request: (
            None if request["TrainingJobName"].endswith("-od") else error("AccessDeniedException", "no")
        )
        with pytest.raises(StopFailed, match="may still bill"):
            stop_jobs_of(self.event(), cloud)
        assert cloud.jobs["finexpert-1-od"]["TrainingJobStatus"] == "Stopping"
