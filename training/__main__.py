"""The container's program: `python -m training`, alone or under torchrun.

    python -m training                               # SageMaker: reads /opt/ml
    SAGEMAKER_BASE_DIR=/tmp/job python -m training   # a laptop
    PYTHONPATH=code.zip python -m training           # from the zip in the job's code channel
    torchrun --nproc-per-node 2 -m training          # several processes; for hosts: torchrun's own options

Below SAGEMAKER_BASE_DIR it reads input/config/hyperparameters.json and the channels training, model and,
optionally, validation in input/data/. It writes model/ (the adapter), output/data/ (evaluation.json and
report.html), checkpoints/, and the reason of a failure to output/failure. Standard output has one JSON event
a line. Exit status: 0 done, 1 failed, 143 stopped by SIGTERM with a checkpoint.
"""

import os
import sys
import traceback
import warnings

from training.channels import Channels, write_atomically
from training.events import Events
from training.failures import EXPECTED, Stopped, TrainingFailure, describe
from training.request import read_request
from training.stopping import StopSignal

FAILED, STOPPED = 1, 128 + 15
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
    stop = StopSignal().install()
    try:
        if os.environ.get("RANK", "0") == "0":
            channels.failure.unlink(missing_ok=True)
        _run(channels, stop)
    except Stopped as end:
        print(end, file=sys.stderr)
        return STOPPED
    except Exception as error:
        reason = describe(error)
        if not isinstance(error, EXPECTED):
            traceback.print_exc()
        print(reason, file=sys.stderr)
        if not channels.failure.exists():  # under torchrun the first reason is the cause
            write_atomically(channels.failure, reason)
        return FAILED
    return 0


def _run(channels: Channels, stop: StopSignal) -> None:
    first = os.environ.get("RANK", "0") == "0"
    events = Events(enabled=first, usd_per_hour=channels.usd_per_hour())
    events.phase("start")
    request = read_request(channels)
    try:
        from training.job import run  # only now: this takes seconds, and the request may be wrong
    except ImportError as error:
        what, remedy = (
            f"{error.name or error} is not installed",
            "Run the job in the Hugging Face training container",
        )
        raise TrainingFailure(what, where="container", remedy=remedy) from error
    run(request, channels, events, stop)


if __name__ == "__main__":
    sys.exit(main())
