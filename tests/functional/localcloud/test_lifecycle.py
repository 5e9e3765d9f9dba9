"""A cloud starts, is found, and leaves nothing: also when it, or its owner, is killed."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import processes
from localcloud.lifecycle import Cloud, CloudError, CloudOptions, down, logs, status, up
from tests.fakes.waiting import eventually
from tests.functional.cloud_session import client_of


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "cloud"
    down(tmp_path / "cloud")


def account_of(cloud: Cloud) -> str:
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    answer = subprocess.run(
        [sys.executable, "-c", program], env=cloud.environ(), capture_output=True, text=True, check=True
    )
    return answer.stdout.strip()


def test_up_status_down(state_dir: Path) -> None:
    cloud = up(state_dir)
    assert status(state_dir) == cloud
    assert up(state_dir) == cloud, "a cloud that runs is returned as it is"
    assert account_of(cloud) == "000000000000"
    health = cloud.health()
    assert (health["status"], health["pid"]) == ("ok", cloud.pid)
    assert "embedded cloud" not in logs(state_dir, "cloud").splitlines()[0]
    assert down(state_dir) is True
    assert processes.started_at(cloud.pid) is None
    assert status(state_dir) is None
    assert down(state_dir) is False
    assert not (state_dir / "tmp").exists()


def test_it_listens_on_loopback_only(state_dir: Path) -> None:
    cloud = up(state_dir)
    port = int(cloud.endpoint_url.rpartition(":")[2])
    with socket.socket() as probe:  # were it bound to every address, this one would be taken as well
        probe.bind(("127.0.0.2" if sys.platform == "linux" else "0.0.0.0", port))


def test_two_at_once_know_nothing_of_each_other(tmp_path: Path) -> None:
    first_dir, second_dir = tmp_path / "first", tmp_path / "second"
    try:
        first, second = up(first_dir), up(second_dir)
        assert first.endpoint_url != second.endpoint_url
        clients = [client_of(cloud, "s3") for cloud in (first, second)]
        clients[0].create_bucket(Bucket="mine")
        assert clients[1].list_buckets()["Buckets"] == []
        assert down(first_dir)
        assert second.health()["status"] == "ok"
    finally:
        down(first_dir)
        down(second_dir)


def test_a_taken_port_is_one_clear_error(state_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CloudError, match=f"Port {port} .* is not free"):
            up(state_dir, port=port)
    assert status(state_dir) is None


def test_a_wanted_port_is_used(state_dir: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert up(state_dir, port=port).endpoint_url == f"http://127.0.0.1:{port}"


def test_a_killed_cloud_leaves_no_child_and_the_next_starts_clean(state_dir: Path) -> None:
    cloud = up(state_dir)
    orphan = processes.start(
        state_dir,
        [sys.executable, "-c", "import time; time.sleep(60)"],
        environment={},
        cwd=state_dir,
        log_path=state_dir / "orphan.txt",
    )
    os.kill(cloud.pid, signal.SIGKILL)
    eventually(lambda: status(state_dir) is None)
    again = up(state_dir)
    assert again.pid != cloud.pid
    assert orphan.wait(60) != 0
    assert again.health()["processes"] == []


def test_a_cloud_ends_with_its_owner(state_dir: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    cloud = up(state_dir, options=CloudOptions(owner_pid=owner.pid))
    owner.kill()
    owner.wait()
    eventually(lambda: processes.started_at(cloud.pid) is None)


def test_ctrl_c_in_the_terminal_does_not_reach_it(state_dir: Path) -> None:
    cloud = up(state_dir)
    assert os.getpgid(cloud.pid) != os.getpgid(0)
    assert os.getsid(cloud.pid) != os.getsid(0)


def test_a_record_whose_number_belongs_to_another_process_counts_as_none(state_dir: Path) -> None:
    cloud = up(state_dir)
    record = state_dir / "cloud.json"
    text = record.read_text()
    record.write_text(text.replace(f'"pid": {cloud.pid}', f'"pid": {os.getpid()}'))
    assert status(state_dir) is None
    record.write_text(text)


def test_an_unknown_log_lists_the_known_ones(state_dir: Path) -> None:
    up(state_dir)
    with pytest.raises(CloudError, match="There is: cloud"):
        logs(state_dir, "nothing-like-it")
