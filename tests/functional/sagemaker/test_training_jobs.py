"""Training jobs, end to end with boto3: the program really runs under the container's contract."""

import io
import json
import tarfile
import textwrap
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.waiting import eventually
from tests.functional.cloud_session import make_queue
from tests.functional.sagemaker.sagemaker_lab import Lab

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:2.9.0"
ENDED = ("Completed", "Failed", "Stopped")


def start(lab: Lab, program: str, **changes: Any) -> str:
    """Start a job that runs `program` (Python source), given to it in the channel `code`."""
    name = lab.unique("job")
    code = lab.put(f"code/{name}/main.py", textwrap.dedent(program).encode())
    channel = {
        "ChannelName": "code",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": code.rsplit("/", 1)[0] + "/"}},
    }
    request: dict[str, Any] = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "/opt/ml/input/data/code/main.py"],
        },
        "RoleArn": lab.role_arn,
        "InputDataConfig": [channel],
        "OutputDataConfig": {"S3OutputPath": f"s3://{lab.bucket}/runs"},
        "ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    request["AlgorithmSpecification"] |= changes.pop("AlgorithmSpecification", {})
    request["InputDataConfig"] += changes.pop("InputDataConfig", [])
    lab.client("sagemaker").create_training_job(**request | changes)
    return name


def ended(lab: Lab, name: str) -> dict[str, Any]:
    """The description of a job once it has ended."""

    def look() -> dict[str, Any] | None:
        job: dict[str, Any] = lab.client("sagemaker").describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] in ENDED else None

    found: dict[str, Any] = eventually(look, seconds=60, why=f"{name} did not end")
    return found


def unpacked(lab: Lab, uri: str) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(lab.get(uri)), mode="r:gz") as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}  # type: ignore[union-attr]


def log_of(lab: Lab, name: str) -> list[str]:
    logs = lab.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/algo-1-")[
        "logStreams"
    ]
    events = logs.get_log_events(logGroupName=group, logStreamName=streams[-1]["logStreamName"])["events"]
    return [event["message"] for event in events]


def states(job: dict[str, Any]) -> list[str]:
    return [row["Status"] for row in job["SecondaryStatusTransitions"]]


def test_a_job_finds_the_containers_contract_and_its_artifacts_arrive(lab: Lab) -> None:
    data = lab.put(lab.unique("datasets/finance") + "/part/a.txt", b"Revenue rose.")
    name = start(
        lab,
        """
        import json, os, pathlib
        base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
        config = {p.stem: json.loads(p.read_text()) for p in (base / "input/config").glob("*.json")}
        text = (base / "input/data/training/part/a.txt").read_text()
        (base / "model/adapter.bin").write_bytes(b"weights")
        (base / "output/data/report.json").write_text(json.dumps({
            "config": config, "text": text, "mine": os.environ["MINE"],
            "job": os.environ["TRAINING_JOB_NAME"],
            "channel": str(base / "input/data/training"), "arn": os.environ["TRAINING_JOB_ARN"],
        }))
        print("loss=3.5"); print("loss=2.25")
        """,
        HyperParameters={"epoch": "5", "learning_rate": "0.0001"},
        Environment={"MINE": "/opt/ml/input/data/training"},
        AlgorithmSpecification={"MetricDefinitions": [{"Name": "train:loss", "Regex": r"loss=([0-9.]+)"}]},
        InputDataConfig=[
            {
                "ChannelName": "training",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": data.removesuffix("part/a.txt"),
                        "ModelAccessConfig": {"AcceptEula": True},
                    }
                },
            }
        ],
    )
    job = ended(lab, name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert states(job) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    output = f"s3://{lab.bucket}/runs/{name}/output"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"{output}/model.tar.gz"
    assert unpacked(lab, f"{output}/model.tar.gz") == {"adapter.bin": b"weights"}
    report = json.loads(unpacked(lab, f"{output}/output.tar.gz")["report.json"])
    assert report["text"] == "Revenue rose."
    assert report["config"]["hyperparameters"] == {"epoch": "5", "learning_rate": "0.0001"}
    assert set(report["config"]["inputdataconfig"]) == {"code", "training"}
    assert report["config"]["resourceconfig"]["hosts"] == ["algo-1"]
    assert report["mine"] == report["channel"], "/opt/ml must be replaced in the job's own environment"
    assert (report["job"], report["arn"]) == (name, job["TrainingJobArn"])
    assert [(row["MetricName"], row["Value"]) for row in job["FinalMetricDataList"]] == [("train:loss", 2.25)]
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] >= 1
    assert job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert log_of(lab, name) == ["loss=3.5", "loss=2.25"]
    point = lab.client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="train:loss",
        Dimensions=[{"Name": "TrainingJobName", "Value": name}],
        StartTime=job["CreationTime"],
        EndTime=time.time() + 60,
        Period=60,
        Statistics=["Minimum", "Maximum"],
    )["Datapoints"]
    assert (min(row["Minimum"] for row in point), max(row["Maximum"] for row in point)) == (2.25, 3.5)


def test_a_failing_program_gives_its_reason_and_exit_code(lab: Lab) -> None:
    name = start(
        lab,
        """
        import os, pathlib, sys
        base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
        (base / "output/failure").write_text("The dataset has no text. " + "x" * 2000)
        sys.exit(3)
        """,
    )
    job = ended(lab, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"].startswith("AlgorithmError: The dataset has no text.")
    assert job["FailureReason"].endswith(", exit code: 3")
    assert len(job["FailureReason"]) == 1024
    assert "ModelArtifacts" not in job or not job["ModelArtifacts"]


def test_stop_sends_sigterm_and_keeps_what_was_written(lab: Lab) -> None:
    name = start(
        lab,
        """
        import os, pathlib, signal, sys, time
        base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
        def stop(*_):
            (base / "model/partial.bin").write_bytes(b"half")
            sys.exit(0)
        signal.signal(signal.SIGTERM, stop)
        print("ready")
        time.sleep(60)
        """,
    )
    sagemaker = lab.client("sagemaker")
    eventually(lambda: "ready" in _log_or_nothing(lab, name), why="the program did not start")
    sagemaker.stop_training_job(TrainingJobName=name)
    assert sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "Stopping"
    job = ended(lab, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert states(job)[-3:] == ["Stopping", "Uploading", "Stopped"]
    assert unpacked(lab, job["ModelArtifacts"]["S3ModelArtifacts"]) == {"partial.bin": b"half"}
    with pytest.raises(ClientError, match="training job is in status Stopped"):
        sagemaker.stop_training_job(TrainingJobName=name)


def test_a_program_that_ignores_sigterm_is_killed_after_the_grace(lab: Lab) -> None:
    name = start(
        lab,
        """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print("ready"); time.sleep(60)
        """,
    )
    eventually(lambda: "ready" in _log_or_nothing(lab, name))
    lab.client("sagemaker").stop_training_job(TrainingJobName=name)
    began = time.monotonic()
    assert ended(lab, name)["TrainingJobStatus"] == "Stopped"
    assert 2 < time.monotonic() - began < 15, "three seconds of grace, then SIGKILL"


def test_max_runtime_stops_the_job(lab: Lab) -> None:
    name = start(lab, "import time; time.sleep(60)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    job = ended(lab, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert job["BillableTimeInSeconds"] <= 10


def test_a_spot_job_resumes_from_its_checkpoint_after_an_interruption(lab: Lab) -> None:
    checkpoints = f"s3://{lab.bucket}/{lab.unique('checkpoints')}"
    name = start(
        lab,
        """
        import os, pathlib, time
        base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
        saved = base / "checkpoints/step.txt"
        if saved.exists():
            (base / "model/resumed.txt").write_text(saved.read_text())
        else:
            saved.write_text("41"); print("saved"); time.sleep(60)
        """,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        CheckpointConfig={"S3Uri": checkpoints, "LocalPath": "/opt/ml/checkpoints"},
    )
    eventually(lambda: "saved" in _log_or_nothing(lab, name))
    eventually(
        lambda: _exists(lab, f"{checkpoints}/step.txt"), why="the checkpoint was not kept while running"
    )
    lab.steer("interrupt", {"job": name, "capacity_after_seconds": 2})
    job = ended(lab, name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "Interrupted" in states(job)
    assert unpacked(lab, job["ModelArtifacts"]["S3ModelArtifacts"]) == {"resumed.txt": b"41"}
    assert job["TrainingTimeInSeconds"] - job["BillableTimeInSeconds"] >= 1, "waiting is not billed"


def test_waiting_for_capacity_longer_than_max_wait_ends_the_job(lab: Lab) -> None:
    name = start(
        lab,
        "print('ready', flush=True); import time; time.sleep(60)",
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 10, "MaxWaitTimeInSeconds": 10},  # to be begun within
    )
    eventually(lambda: "ready" in _log_or_nothing(lab, name))
    lab.steer("interrupt", {"job": name, "capacity_after_seconds": 60})
    job = ended(lab, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


def test_requests_that_aws_refuses_are_refused(lab: Lab) -> None:
    with pytest.raises(ClientError, match="No S3 objects found under S3 URL") as refused:
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{lab.bucket}/nothing/"}
        start(lab, "", InputDataConfig=[{"ChannelName": "x", "DataSource": {"S3DataSource": source}}])
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    for kind, count, volume, words in (
        ("ml.g5.huge", 1, {"VolumeSizeInGB": 1}, "Member must satisfy enum value set"),
        ("ml.m5.xlarge", 1, {}, r"VolumeSizeInGB must be given for ml\.m5\.xlarge"),
        ("ml.g5.xlarge", 2, {"VolumeSizeInGB": 1}, "several instances"),
    ):
        with pytest.raises(ClientError, match=words):
            start(lab, "", ResourceConfig={"InstanceType": kind, "InstanceCount": count, **volume})
    with pytest.raises(ClientError, match="Requested resource not found"):
        lab.client("sagemaker").describe_training_job(TrainingJobName="never-was")
    with pytest.raises(ClientError) as unknown:
        lab.client("sagemaker").list_labeling_jobs()
    assert unknown.value.response["Error"]["Code"] == "UnknownOperationException"


def test_a_name_is_used_once_and_a_missing_entry_point_is_said(lab: Lab) -> None:
    name = start(lab, "", AlgorithmSpecification={"ContainerEntrypoint": ["no-such-program"]})
    with pytest.raises(ClientError) as taken:
        start(lab, "", TrainingJobName=name)
    assert taken.value.response["Error"]["Code"] == "ResourceInUse"
    assert ended(lab, name)["FailureReason"] == "AlgorithmError: , exit code: 127"
    assert 'exec: "no-such-program": No such file or directory' in log_of(lab, name)


def test_state_changes_reach_eventbridge(lab: Lab) -> None:
    queue, arn = make_queue(lab.client("sqs"), lab.unique("events"))
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Training Job State Change"]}
    rule = lab.unique("rule")
    lab.client("events").put_rule(Name=rule, EventPattern=json.dumps(pattern))
    lab.client("events").put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    name = start(lab, "")
    ended(lab, name)
    seen: list[str] = []

    def look() -> bool:
        answer = lab.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            detail = json.loads(message["Body"])["detail"]
            if detail["TrainingJobName"] == name:
                seen.append(detail["SecondaryStatus"])
        return "Completed" in seen

    eventually(look, why=f"only {seen} arrived")
    assert set(seen) == {"Starting", "Downloading", "Training", "Uploading", "Completed"}
    lab.client("events").remove_targets(Rule=rule, Ids=["queue"])
    lab.client("events").delete_rule(Name=rule)


def _log_or_nothing(lab: Lab, name: str) -> list[str]:
    try:
        return log_of(lab, name)
    except (ClientError, IndexError):
        return []


def _exists(lab: Lab, uri: str) -> bool:
    try:
        return bool(lab.get(uri))
    except ClientError:
        return False
