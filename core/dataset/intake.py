"""All documents of a dataset once, as a stream: what the check counts and what the trainer tokenizes."""

from collections.abc import Iterable, Iterator, Mapping

from core.dataset.documents import Document, Problem
from core.dataset.questions import Question
from core.dataset.reader import Reader
from core.dataset.sources import Source, by_side, tasks_of
from core.hyperparameters import Hyperparameters


class Intake:
    """Iterates over (digest, document): first the given held-out side, if there is one, then the others.

    Empty documents, repeated ones and training documents that are held out as well are left out and counted.
    The text is not kept, only the digests, to know what came before: about 110 bytes a document.

    After iterating: ``held_out`` is how many came from the given held-out side (None without one).
    """

    def __init__(
        self,
        training: Iterable[Source],
        validation: Iterable[Source] | None,
        hyperparameters: Hyperparameters,
        *,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        """``validation``: the second channel; without it a folder ``validation/`` is the held-out side."""
        inside, outside = by_side(training) if validation is None else (list(training), list(validation))
        self._tasks = tasks_of([*inside, *(outside or [])])
        self._training = Reader(inside, hyperparameters, tasks=self._tasks, limits=limits)
        self._validation = (
            None if outside is None else Reader(outside, hyperparameters, tasks=self._tasks, limits=limits)
        )
        self.held_out: int | None = None
        self.empty = self.duplicates = self.leaked = 0

    def __iter__(self) -> Iterator[tuple[bytes, Document]]:
        outside: set[bytes] = set()
        if self._validation is not None:
            yield from self._new(self._validation, outside, set())
            self.held_out = len(outside)
        yield from self._new(self._training, set(), outside)

    def _new(
        self, reader: Reader, seen: set[bytes], elsewhere: set[bytes]
    ) -> Iterator[tuple[bytes, Document]]:
        for document in reader:
            if not document.text.strip():
                self.empty += 1
                continue
            digest = document.digest
            if digest in seen:
                self.duplicates += 1
            elif digest in elsewhere:
                seen.add(digest)
                self.leaked += 1
            else:
                seen.add(digest)
                yield digest, document

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of the dataset's files, sorted; one, "", where there are no several."""
        return tuple(sorted(set(self._tasks.values())))

    @property
    def readers(self) -> tuple[Reader, ...]:
        """The training side's, then the other's."""
        return (self._training,) if self._validation is None else (self._training, self._validation)

    @property
    def files(self) -> int:
        """How many files held documents' text."""
        return sum(reader.files for reader in self.readers)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided on the way."""
        return tuple(note for reader in self.readers for note in reader.notes)

    @property
    def problems(self) -> list[Problem]:
        """What could not be used."""
        return [problem for reader in self.readers for problem in reader.problems]

    @property
    def questions(self) -> tuple[Question, ...]:
        """What the models are examined on."""
        return tuple(question for reader in self.readers for question in reader.questions)
