"""The dataset: reading JumpStart's formats, splitting by document, and the check before anything is paid for.

Standard library only, and streaming: the command line uses it on folders, the validation Lambda on S3
objects, the container on its channels. Typical use::

    report = check(local_sources(path), hyperparameters)
    report.raise_for_errors()
"""

from core.dataset.check import check
from core.dataset.documents import DatasetError, Document, Origin, Problem
from core.dataset.intake import Intake
from core.dataset.questions import Question
from core.dataset.reader import Reader
from core.dataset.report import DatasetReport
from core.dataset.sources import Sample, Source, by_side, local_sources
from core.dataset.split import Split, split
from core.dataset.tokens import TokenCounter

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
