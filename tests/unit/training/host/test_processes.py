"""Which processes are started where, and what their ends say; starting them is tested in tests/matrix."""

from pathlib import Path

import pytest

from core.failures import Stopped, TrainingFailure
from training.host.processes import _reason, nvidia_driver, placement, visible_gpus

TWO = {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"], "network_interface_name": "eth0"}


def test_one_host_without_gpus_needs_no_launcher() -> None:
    assert placement({}, 0, {}).alone
    assert placement({}, 1, {}).alone
    assert not placement({}, 4, {}).alone


def test_hosts_meet_at_the_first_unless_set_otherwise() -> None:
    here = placement(TWO, 4, {})
    assert (here.hosts, here.host, here.processes) == (2, 1, 4)
    assert (here.rendezvous, here.interface) == ("algo-1:29400", "eth0")
    elsewhere = placement(TWO, 1, {"FINEXPERT_RENDEZVOUS": "127.0.0.1:5000"})
    assert elsewhere.rendezvous == "127.0.0.1:5000"
    assert not elsewhere.alone


@pytest.mark.parametrize("resources", [TWO | {"current_host": "algo-9"}, {"hosts": "algo-1"}])
def test_a_resourceconfig_that_contradicts_itself_is_refused(resources: dict[str, object]) -> None:
    with pytest.raises(TrainingFailure, match=r"resourceconfig\.json"):
        placement(resources, 1, {})


def test_gpus_are_counted_by_devices_or_by_choice(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert visible_gpus({}, tmp_path) == 2
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "1"}, tmp_path) == 1
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}, tmp_path) == 0


def test_processes_that_ended_say_why() -> None:
    assert isinstance(_reason([143, -15]), Stopped)
    killed = _reason([-9])
    assert isinstance(killed, TrainingFailure)
    assert "killed by signal 9" in str(killed)
    assert "memory" in str(killed)
    assert "ended with status 1" in str(_reason([1, 143]))


@pytest.mark.parametrize(
    "line",
    [
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27 06:54:38 UTC 2025\n",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder)\n",
    ],
)
def test_the_drivers_version_is_read_where_there_is_one(tmp_path: Path, line: str) -> None:
    file = tmp_path / "version"
    assert nvidia_driver(file) == ""
    file.write_text(line + "GCC version:  gcc version 12.3.0\n")
    assert nvidia_driver(file) == "580.65.06"
