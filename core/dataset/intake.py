"""All documents of a dataset once, as a stream: what the check counts and what the trainer tokenizes."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing

from core.dataset.documents import Document, Problem
from core.dataset.json_records import parts_of
from core.dataset.lines import LineReader
from core.dataset.questions import Question
from core.dataset.reader import LEFT_OUT, Reader, Understood
from core.dataset.sources import Source, by_side, holds_documents, side_of_key, sides_of, tasks_of
from core.hyperparameters import Hyperparameters


class Intake:
    """Iterates over (digest, document): first the given held-out side, if there is one, then the others.

    Empty documents, repeated ones and training documents that are held out as well are left out and counted.
    The text is not kept, only the digests, to know what came before: about 110 bytes a document.

    ``tests``: the files that are a test side by their names, and so are not read. After iterating:
    ``held_out`` is how many came from the given held-out side (None without one).
    """

    def __init__(
        self,
        training: Iterable[Source],
        validation: Iterable[Source] | None,
        hyperparameters: Hyperparameters,
        *,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        """``validation``: the second channel. Files, folders and lists named validation, valid, val or dev
        are held out as well; those named test are on neither side."""
        given = list(training)
        sides = sides_of([name for name, _ in given])
        self.tests = tuple(n for n, side in sides.items() if side == "test" and holds_documents(n))
        inside, named = by_side(given)
        outside = [*(named or []), *(validation or [])]
        self._given = bool(outside)
        outside += [source for source in inside if _has_sides(source)]
        self._tasks = tasks_of([*inside, *outside])
        self._training = Reader(inside, hyperparameters, tasks=self._tasks, limits=limits)
        self._validation = (
            Reader(outside, hyperparameters, tasks=self._tasks, limits=limits, side="validation")
            if outside
            else None
        )
        self.held_out: int | None = None
        self.empty = self.duplicates = self.leaked = 0

    def __iter__(self) -> Iterator[tuple[bytes, Document]]:
        outside: set[bytes] = set()
        if self._validation is not None:
            yield from self._new(self._validation, outside, set())
            self.held_out = len(outside) if outside or self._given else None
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
        return tuple(sorted(set(self._tasks.values()))) or ("",)

    @property
    def readers(self) -> tuple[Reader, ...]:
        """The training side's, then the other's."""
        return (self._training,) if self._validation is None else (self._training, self._validation)

    @property
    def files(self) -> int:
        """How many files held documents' text."""
        return len({name for reader in self.readers for name in reader.read})

    @property
    def understood(self) -> tuple[Understood, ...]:
        """How each file was read."""
        return tuple({each.file: each for reader in self.readers for each in reader.understood}.values())

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences about what a person should look at."""
        return tuple(dict.fromkeys(doubt for reader in self.readers for doubt in reader.doubts))

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what was decided while reading."""
        tests = [f"{name}: {LEFT_OUT}, a test side is never trained on" for name in self.tests]
        return (*tests, *dict.fromkeys(note for reader in self.readers for note in reader.notes))

    @property
    def problems(self) -> list[Problem]:
        """The parts of files that could not be used, with the reason."""
        return [problem for reader in self.readers for problem in reader.problems]

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions that the models are examined on."""
        return tuple(question for reader in self.readers for question in reader.questions)


def _has_sides(source: Source) -> bool:
    """Whether a file is one JSON object with lists for the sides; only files that can be opened again are."""
    name, content = source
    if not name.lower().endswith(".json") or not holds_documents(name) or not callable(content):
        return False
    try:
        with closing(content()) as stream:
            keys = parts_of(LineReader(name, stream, []))
    except OSError:
        return False  # the reading says so
    return any(side_of_key(key) for key in keys)
