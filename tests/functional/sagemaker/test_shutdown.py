"""A cloud that is killed leaves none of its programs behind."""

import os
import signal
import time
from pathlib import Path

from localcloud import processes
from tests.fakes.waiting import eventually
from tests.functional.cloud_session import client_of, make_role, running


def test_sigkill_of_the_cloud_ends_its_training_jobs(tmp_path: Path) -> None:
    with running(tmp_path / "state", provision_seconds=0.0) as cloud:
        role = make_role(client_of(cloud, "iam"), "training", services=("sagemaker.amazonaws.com",))
        marker = tmp_path / "beat"
        program = f"while true; do date >> '{marker}'; sleep 0.1; done"
        client_of(cloud, "sagemaker").create_training_job(
            TrainingJobName="forever",
            AlgorithmSpecification={
                "TrainingImage": "image",
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["sh", "-c", program],
            },
            RoleArn=role,
            OutputDataConfig={"S3OutputPath": "s3://bucket/runs"},
            ResourceConfig={"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
        )
        eventually(marker.exists, why="the job did not start")
        assert processes.recorded(cloud.state_dir)
        os.kill(cloud.pid, signal.SIGKILL)
        eventually(lambda: not processes.recorded(cloud.state_dir), seconds=60, why="it outlived the cloud")
        last = marker.read_text()
        time.sleep(0.5)
        assert marker.read_text() == last, "the program still writes"
