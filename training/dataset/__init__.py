"""The dataset: reading JumpStart's formats, splitting by document, and the check before anything is paid for.

Standard library only, and streaming: the command line uses it on folders, the validation Lambda on S3
objects, the container on its channels. Typical use::

    report = check(local_sources(path), hyperparameters)
    report.raise_for_errors()
"""

from training.dataset.check import check
from training.dataset.documents import DatasetError, Document, Origin, Problem
from training.dataset.intake import Intake
from training.dataset.questions import Question
from training.dataset.reader import Reader
from training.dataset.report import DatasetReport
from training.dataset.sample import Sample
from training.dataset.sources import Source, by_side, local_sources
from training.dataset.split import Split, split
from training.dataset.tokens import TokenCounter

__all__ = [
    "DatasetError",
    "DatasetReport",
    "Document",
    "Intake",
    "Origin",
    "Problem",
    "Question",
    "Reader",
    "Sample",
    "Source",
    "Split",
    "TokenCounter",
    "by_side",
    "check",
    "local_sources",
    "split",
]
