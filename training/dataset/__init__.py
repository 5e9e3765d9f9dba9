"""The dataset: reading JumpStart's formats, splitting by document, and the check before anything is paid for.

Standard library only, and streaming: the command line uses it on folders, the validation Lambda on S3
objects, the container on its channels. Typical use::

    report = check(local_sources(path), hyperparameters)
    report.raise_for_errors()
"""

from training.dataset.check import DatasetReport, check
from training.dataset.documents import DatasetError, Document, Problem
from training.dataset.formats import Reader, Source, by_side, local_sources
from training.dataset.questions import Question
from training.dataset.split import Split, split

__all__ = [
    "DatasetError",
    "DatasetReport",
    "Document",
    "Problem",
    "Question",
    "Reader",
    "Source",
    "Split",
    "by_side",
    "check",
    "local_sources",
    "split",
]
