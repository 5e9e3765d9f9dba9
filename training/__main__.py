"""The container's program: `python -m training`, alone or under torchrun.

    python -m training                               # SageMaker: reads /opt/ml
    SAGEMAKER_BASE_DIR=/tmp/job python -m training   # a laptop
    PYTHONPATH=code.zip python -m training           # from the zip in the job's code channel
    torchrun --nproc-per-node 2 -m training          # several processes of one's own choice

A host with several GPUs, or a job with several hosts (input/config/resourceconfig.json), gets a process for
each GPU without further ado (see training/host/processes.py).

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
from types import ModuleType

from core.failures import Stopped, TrainingFailure, describe, is_expected
from core.imports import lasting_imports
from training.host.events import Events
from training.host.processes import STOPPED, StopSignal, launch, placement, visible_gpus
from training.job.channels import Channels, write_atomically

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
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a tokenizer in Rust that panics raises no Exception
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
    here = placement(channels.resources(), visible_gpus())
    if "RANK" not in os.environ and not here.alone:
        _pipeline().read_request(channels)  # a wrong request fails once, before any process is started
        launch(here)
        return
    stop = StopSignal().install()
    first = os.environ.get("RANK", "0") == "0"
    events = Events(enabled=first, usd_per_hour=channels.usd_per_hour())
    events.phase("start")
    _pipeline().run(channels, events, stop)


def _pipeline() -> ModuleType:
    """Import the work itself, which takes seconds; TrainingFailure if the container lacks a library."""
    try:
        with lasting_imports():
            from training.job import pipeline
    except ImportError as error:
        if (error.name or "").startswith("training"):
            raise  # our own fault, not the container's
        raise TrainingFailure(
            f"{error.name or error} is not installed",
            where="container",
            remedy="Run the job in the Hugging Face training container",
        ) from error
    return pipeline


if __name__ == "__main__":
    status = main()
    if "RANK" in os.environ:  # threads of gloo and NCCL now and then abort a process that merely ends
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
