"""Ends that a job can come to, and the words for them: what was wrong, where, and what to do next."""

import errno
import re

from core.dataset.documents import DatasetError
from core.hyperparameters import HyperparameterError

#: SageMaker shows the first kilobyte of output/failure as the job's FailureReason.
LONGEST_REASON = 1024


class TrainingFailure(Exception):
    """The job cannot go on. ``what`` and ``where`` say why, ``remedy`` what the reader can do."""

    def __init__(self, what: str, *, where: str, remedy: str) -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(f"{where}: {what}. {remedy}.")


class Stopped(Exception):
    """SIGTERM arrived; what had to be kept has been written."""


_OUT_OF_MEMORY = (
    "Memory ran out on the accelerator or the machine. Set gradient_checkpointing to True, lower"
    " per_device_train_batch_size (raise gradient_accumulation_steps as much) or max_input_length,"
    " or take a larger instance."
)
#: PyTorch's words where it has no class for the error: of its CPU allocator and of CUDA's libraries.
_MEMORY = re.compile(r"not enough memory|can't allocate memory|out of memory|ALLOC_FAILED", re.IGNORECASE)
#: The words of gloo and NCCL when the other process is gone.
_LOST_PEER = re.compile(
    r"Connection (?:closed|reset|refused)|[Bb]roken pipe|[Tt]imed out waiting|gloo|NCCL|remote process"
)
_LOST_PEER_ERRORS = ("DistBackendError", "DistNetworkError", "DistStoreError")

_UNEXPECTED = "Unexpected"


def describe(error: BaseException) -> str:
    """The reason for output/failure: for a person, no stack trace, at most LONGEST_REASON characters."""
    return _reason(error)[:LONGEST_REASON]


def is_expected(error: BaseException) -> bool:
    """Whether the reason says all that its reader needs, so that no stack trace has to help."""
    return not _reason(error).startswith(_UNEXPECTED)


def _reason(error: BaseException) -> str:
    name = type(error).__name__
    if isinstance(error, TrainingFailure):
        return str(error)
    if isinstance(error, HyperparameterError):
        return f"Hyperparameters: {error}"
    if isinstance(error, DatasetError):
        return f"Dataset: {error}"
    if name == "OutOfMemoryError" or isinstance(error, MemoryError):
        return _OUT_OF_MEMORY
    if isinstance(error, RuntimeError) and _MEMORY.search(str(error)):
        return _OUT_OF_MEMORY
    if name in _LOST_PEER_ERRORS or (isinstance(error, RuntimeError) and _LOST_PEER.search(str(error))):
        return (
            "Another process of this job was lost, so the rest ended too. Its own reason is in output/failure"
            " or the log of its host. Start the job again with the same checkpoints: it goes on from the"
            " newest, with as many hosts as it then has."
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        writing = f" while writing {error.filename}" if error.filename else ""  # a full write() names no file
        return f"The disk is full{writing}. Raise volume_gb."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}. Check that the channel or folder exists and can be used."
    return f"{_UNEXPECTED} {name}: {error}. The job's log has the details; please report it with them."
