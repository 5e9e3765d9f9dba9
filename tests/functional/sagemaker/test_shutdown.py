"""A cloud that is killed leaves no program of its behind."""

import os
import signal
import time
from pathlib import Path

from localcloud import processes
from localcloud.lifecycle import CloudOptions, down, up
from tests.functional.cloud_session import session as session_of
from tests.functional.sagemaker.sagemaker_lab import eventually


def test_sigkill_of_the_cloud_ends_its_training_jobs(tmp_path: Path) -> None:
    cloud = up(tmp_path / "state", options=CloudOptions(owner_pid=os.getpid(), provision_seconds=0.0))
    try:
        session = session_of(cloud)
        client = session.client("sagemaker", endpoint_url=cloud.endpoint_url)
        role = session.client("iam", endpoint_url=cloud.endpoint_url).create_role(
            RoleName="training", AssumeRolePolicyDocument="{}"
        )["Role"]["Arn"]
        marker = tmp_path / "beat"
        program = f"while true; do date >> '{marker}'; sleep 0.1; done"
        client.create_training_job(
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
    finally:
        down(tmp_path / "state")
