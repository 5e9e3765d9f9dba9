"""The result of a dataset's check."""

from dataclasses import asdict, dataclass
from typing import Any

from core.dataset.documents import DatasetError
from core.dataset.power import Power
from core.dataset.reader import Understood


@dataclass(frozen=True, kw_only=True)
class TaskCount:
    """One task's documents that differ, and their tokens (estimated as the report's)."""

    task: str
    documents: int
    tokens: int


@dataclass(frozen=True, kw_only=True)
class DatasetReport:
    """What a dataset holds. ``errors`` forbid training on it; ``warnings`` are for the reader to weigh.

    Ranges are [low, high]. Where only a ``share_read`` below 1 of the bytes was read, documents, bytes,
    tokens and steps are scaled up from it; the other counts are of what was read. ``tokens_assumption`` says
    which tokenizer counted, or how it was estimated. ``trained_tokens`` counts all epochs,
    ``evaluated_tokens`` all looks at the held-out text: base, tuned, and one as each further epoch begins.
    ``rows``: of ``row_length`` tokens, in an epoch. ``prompts_cut``: how many prompts are too long for a row,
    and ``tokens_cut`` by how much. ``understood``: how each file was read; ``first``: the first document,
    shortened (``file``, ``text``, and ``prompt`` where it has one), None if all hold private data. ``power``:
    the smallest gain that the held-out side could show.
    """

    files: int
    documents: int
    bytes: int
    share_read: float
    duplicates: int
    empty: int
    leaked: int
    encoding_errors: int
    training_documents: int
    validation_documents: int
    tokens_estimated: int
    tokens_range: tuple[int, int]
    tokens_assumption: str
    training_tokens: int
    validation_tokens: int
    trained_tokens: tuple[int, int]
    evaluated_tokens: int
    steps_per_epoch: int
    optimizer_steps: int
    optimizer_steps_range: tuple[int, int]
    tasks: tuple[TaskCount, ...]
    private: dict[str, int]
    row_length: int
    rows: int
    prompts_cut: int = 0
    tokens_cut: int = 0
    understood: tuple[Understood, ...] = ()
    first: dict[str, str] | None = None
    notes: tuple[str, ...] = ()
    power: Power | None = None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    sentence: str = ""

    @property
    def ok(self) -> bool:
        """Whether it can be trained on."""
        return not self.errors

    @property
    def unjudged(self) -> str:
        """Why the quality gate would refuse every model of this data; "" where it can judge, and where only a
        part of the data was read."""
        if self.power is None or self.power.enough or self.share_read < 1:
            return ""
        return self.power.warning().partition("; ")[0]

    def raise_for_errors(self) -> None:
        """Raise DatasetError if there are errors."""
        if self.errors:
            raise DatasetError(self.errors)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
