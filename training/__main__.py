"""The container's program: `python -m training`, alone or under torchrun.

    python -m training                               # SageMaker: reads /opt/ml
    SAGEMAKER_BASE_DIR=/tmp/job python -m training   # a laptop
    PYTHONPATH=code.zip python -m training           # from the zip in the job's code channel
    torchrun --nproc-per-node 2 -m training          # several processes of one's own choice

A host with several GPUs, or a job with several hosts (input/config/resourceconfig.json), gets a process for
each GPU without further ado (see training/job/launch.py).

Below SAGEMAKER_BASE_DIR it reads input/config/hyperparameters.json and the channels training, model and,
optionally, validation and adapter in input/data/. It writes model/ (the adapter), output/data/
(evaluation.json and report.html), checkpoints/, and the reason of a failure to output/failure. Standard
output has one JSON event a line. Exit status: 0 done, 1 failed, 143 stopped by SIGTERM with a checkpoint.
"""

import contextlib
import os
import sys
import traceback
import warnings

from core.failures import Stopped, TrainingFailure, describe, is_expected
from training.host.events import Events
from training.host.stopping import StopSignal
from training.job.channels import Channels, write_atomically
from training.job.launch import STOPPED, launch, placement, visible_gpus
from training.job.request import read_request

FAILED = 1
#: No request ever leaves the job, and standard output belongs to the events.
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "true",
}


def main() -> int:
    """Run the job and turn its end into an exit status and, where it failed, a reason."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    warnings.simplefilter("ignore", FutureWarning)  # of libraries about each other
    channels = Channels.from_environment()
    try:
        if os.environ.get("LOCAL_RANK", "0") == "0":
            channels.failure.unlink(missing_ok=True)
        _launch_or_run(channels)
    except Stopped as end:
        print(end, file=sys.stderr)
        return STOPPED
    except Exception as error:
        reason = describe(error)
        if not is_expected(error):
            traceback.print_exc()
        print(reason, file=sys.stderr)
        if not channels.failure.exists():  # of several processes, the first one's reason is the cause
            _leave_reason(channels, reason)
        return FAILED
    return 0


def _leave_reason(channels: Channels, reason: str) -> None:
    """Write output/failure, also on a full disk: what was left half written makes room for it."""
    try:
        write_atomically(channels.failure, reason)
    except OSError:
        for half_written in channels.checkpoints.glob("*.partial"):
            half_written.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # the log has the reason in any case
            write_atomically(channels.failure, reason)


def _launch_or_run(channels: Channels) -> None:
    launched = "RANK" in os.environ
    here = placement(channels.resources(), visible_gpus())
    if launched or here.alone:
        _run(channels)
    else:
        read_request(channels)  # a wrong request is told once, before anything is started
        launch(here)


def _run(channels: Channels) -> None:
    stop = StopSignal().install()
    first = os.environ.get("RANK", "0") == "0"
    events = Events(enabled=first, usd_per_hour=channels.usd_per_hour())
    events.phase("start")
    request = read_request(channels)
    try:
        from training.job.job import run  # only now: this takes a second, and the request may be wrong
    except ImportError as error:
        if (error.name or "").startswith("training"):
            raise  # our own fault, not the container's
        what, remedy = (
            f"{error.name or error} is not installed",
            "Run the job in the Hugging Face training container",
        )
        raise TrainingFailure(what, where="container", remedy=remedy) from error
    run(request, channels, events, stop)


if __name__ == "__main__":
    status = main()
    if "RANK" in os.environ:  # threads of gloo and NCCL now and then abort a process that merely ends
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
