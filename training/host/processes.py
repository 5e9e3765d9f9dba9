"""The processes of a job: one for each GPU, started by torch's elastic launcher, stopped by SIGTERM.

SageMaker starts `python -m training` once on every host and says in resourceconfig.json which hosts there
are. Each starts its own processes; they meet at the first host. Nothing is launched where one process is
enough (one host, at most one GPU), or where torchrun has launched already.
"""

import os
import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from core.failures import Stopped, TrainingFailure

PORT = 29400
#: Where the hosts meet, as HOST:PORT; by default the first host's name and PORT.
RENDEZVOUS_VARIABLE = "FINEXPERT_RENDEZVOUS"
#: Hosts do not start at the same moment, and each downloads its channels first.
RENDEZVOUS_SECONDS = 600
#: What processes get to write their checkpoint; SageMaker kills after 120.
STOP_SECONDS = 100
STOPPED = 128 + 15


@dataclass(frozen=True, slots=True)
class Placement:
    """This host among ``hosts`` (its number is ``host``), ``processes`` on each, joined by ``interface``."""

    hosts: int
    host: int
    processes: int
    rendezvous: str
    interface: str | None

    @property
    def alone(self) -> bool:
        """Whether one process is all there is."""
        return self.hosts * self.processes == 1


def placement(resources: Mapping[str, Any], gpus: int, environ: Mapping[str, str] = os.environ) -> Placement:
    """Read ``resources``, the content of resourceconfig.json (empty outside SageMaker).

    Raises TrainingFailure where it contradicts itself.
    """
    hosts = resources.get("hosts") or ["localhost"]
    current = resources.get("current_host", hosts[0])
    if not isinstance(hosts, list) or current not in hosts:
        raise TrainingFailure(
            f"the host {current!r} is not among {hosts!r}",
            where="input/config/resourceconfig.json",
            remedy="SageMaker writes this file; elsewhere leave it out, or name current_host and all hosts",
        )
    return Placement(
        hosts=len(hosts),
        host=hosts.index(current),
        processes=max(gpus, 1),
        rendezvous=environ.get(RENDEZVOUS_VARIABLE) or f"{hosts[0]}:{PORT}",
        interface=resources.get("network_interface_name"),
    )


def visible_gpus(environ: Mapping[str, str] = os.environ, devices: Path = Path("/dev")) -> int:
    """The number of GPUs of this host, without the second that importing torch takes."""
    chosen = environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return len([number for number in chosen.split(",") if number.strip() not in ("", "-1")])
    return len([file for file in devices.glob("nvidia*") if file.name.removeprefix("nvidia").isdigit()])


def nvidia_driver(file: Path = Path("/proc/driver/nvidia/version")) -> str:
    """The version of the host's NVIDIA driver, such as 580.65.06; "" where there is none."""
    try:
        found = re.search(r"\s(\d+\.\d+(?:\.\d+)?)\s", file.read_text(encoding="ascii", errors="replace"))
    except OSError:
        return ""
    return found[1] if found else ""


def launch(here: Placement) -> None:
    """Run `python -m training` in ``here.processes`` processes until all have ended well.

    Raises Stopped if they were asked to stop, TrainingFailure if one failed; a process that could has left
    its own reason in output/failure before.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", str(STOP_SECONDS))
    if here.hosts > 1 and here.interface:
        for library in ("NCCL", "GLOO"):
            os.environ.setdefault(f"{library}_SOCKET_IFNAME", here.interface)
    config = LaunchConfig(
        min_nodes=here.hosts,
        max_nodes=here.hosts,
        nproc_per_node=here.processes,
        run_id="training",
        rdzv_backend="static" if here.hosts > 1 else "c10d",
        rdzv_endpoint=here.rendezvous if here.hosts > 1 else "127.0.0.1:0",
        rdzv_configs={"rank": here.host, "timeout": RENDEZVOUS_SECONDS} if here.hosts > 1 else {},
        max_restarts=0,
        monitor_interval=0.2,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "training")
    except SignalException as ended:
        raise Stopped("stopped on request; what was trained is in the newest checkpoint") from ended
    except ChildFailedError as error:
        raise _reason([failure.exitcode for failure in error.failures.values()]) from error


def _reason(exit_codes: list[int]) -> Exception:
    """The error for the exit statuses of the processes that ended first; -N: killed by signal N."""
    if all(code in (STOPPED, -15) for code in exit_codes):
        return Stopped("another host was asked to stop; what was trained is in the newest checkpoint")
    killed = next((-code for code in exit_codes if code < 0), None)
    what = f"was killed by signal {killed}" if killed else f"ended with status {exit_codes[0]}"
    return TrainingFailure(
        f"a process on this host {what}",
        where="processes",
        remedy="Signal 9 most often means that memory ran out: lower per_device_train_batch_size or take a"
        " larger instance; other reasons are in the log above. A repeated job goes on from its checkpoint",
    )


class StopSignal:
    """Remembers that the job was asked to stop: by SIGTERM (SIGKILL follows after 120 s) or Ctrl-C."""

    def __init__(self) -> None:
        self._requested = False

    def install(self) -> "StopSignal":
        """Replace Python's own handlers of both signals."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        return self

    def requested(self) -> bool:
        """Whether the job was asked to stop."""
        return self._requested

    def check(self) -> None:
        """Raise Stopped if the job was asked to stop; for places where nothing needs to be saved."""
        if self._requested:
            raise Stopped("stopped on request; what was trained before is in the newest checkpoint")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._requested = True
