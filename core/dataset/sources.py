"""The files of a dataset: which there are, on which side of the split they are, and which task they teach."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.dataset.lines import BinaryStream
from core.dataset.questions import QUESTION_FILES
from core.dataset.templates import TEMPLATE_NAME

#: A name (path or S3 key) and its content: an open binary stream, or a function that opens one in its turn.
Source = tuple[str, BinaryStream | Callable[[], BinaryStream]]

READABLE = (".txt", ".csv", ".json", ".jsonl")
#: A folder of the dataset that, where it holds files, is the held-out side, as the channel of that name.
VALIDATION_FOLDER = "validation"
#: The task of files that lie beside the folders of other tasks.
OTHER_TASK = "other"
#: More folders than these are the order of an archive, not tasks.
MOST_TASKS = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """``limits``: bytes to read of each file that is not read whole (0 = not opened); ``share`` of all
    documents' bytes that is read, 1 = everything."""

    limits: dict[str, int]
    bytes: int
    share: float

    @classmethod
    def of(cls, sizes: Mapping[str, int], *, most_bytes: int, most_files: int) -> "Sample":
        """Read the beginning of every file, the same number of bytes of each large one; of too many files,
        some at equal distances."""
        files = [(name, size) for name, size in sizes.items() if holds_documents(name)]
        step = -(-len(files) // most_files) or 1
        chosen = dict(files[::step])
        limit = _level(sorted(chosen.values()), most_bytes)
        limits = {name: 0 for name, _ in files if name not in chosen}
        limits |= {name: limit for name, size in chosen.items() if size > limit}
        total = sum(size for _, size in files)
        read = sum(min(size, limit) for size in chosen.values())
        return cls(limits, total, read / total if total else 1.0)


def local_sources(path: Path, *, below: str = "") -> list[Source]:
    """The files at ``path`` (a file, or a folder searched through), sorted by name, without hidden ones.

    ``below`` is put before each name, as a folder. What is no regular file (a link to nothing, a pipe) is
    listed too; opening it says so.
    """
    if path.is_file():
        return [(f"{below}{_printable(path.name)}", _opener(path))]
    names = sorted((file.relative_to(path).as_posix(), file) for file in path.rglob("*") if not file.is_dir())
    return [(f"{below}{_printable(name)}", _opener(file)) for name, file in names if not _hidden(name)]


def by_side(sources: Iterable[Source]) -> tuple[list[Source], list[Source] | None]:
    """(to train on, held out): the files of a folder ``validation/``; None where there is no such folder.

    A template at the top serves both sides.
    """
    outside: list[Source] = []
    inside: list[Source] = []
    for source in sources:
        (inside if source[0].startswith(f"{VALIDATION_FOLDER}/") else outside).append(source)
    if not inside:
        return outside, None
    return outside, [source for source in outside if source[0] == TEMPLATE_NAME] + inside


def tasks_of(sources: Iterable[Source]) -> dict[str, str]:
    """Each file's task: the dataset's folder that it lies in, "" for all where there are no several.

    ``validation/risk/a.txt`` belongs to the same task as ``risk/b.txt``. Files beside the folders are task
    OTHER_TASK. More than MOST_TASKS folders are taken as one task.
    """
    names = [name for name, _ in sources if holds_documents(name)]
    folders = {name: _folder(name) for name in names}
    found = set(folders.values())
    if not 1 < len(found) <= MOST_TASKS:
        return dict.fromkeys(names, "")
    return {name: folder or OTHER_TASK for name, folder in folders.items()}


def holds_documents(name: str) -> bool:
    """Whether a file of this name is read for documents."""
    path = PurePosixPath(name)
    return path.suffix.lower() in READABLE and path.name not in (TEMPLATE_NAME, *QUESTION_FILES)


def _folder(name: str) -> str:
    parts = name.split("/")
    if parts[0] == VALIDATION_FOLDER:
        parts = parts[1:]
    return parts[0] if len(parts) > 1 else ""


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def _printable(name: str) -> str:
    """File names may hold bytes that are no UTF-8; nothing that prints them may fail over that."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _opener(path: Path) -> Callable[[], BinaryStream]:
    def opened() -> BinaryStream:
        if not path.is_file():  # opening a pipe would wait for ever
            raise OSError("not a regular file (a broken link, a pipe or a device)")
        return path.open("rb")

    return opened


def _level(sizes: list[int], budget: int) -> int:
    """The most bytes a file so that all together keep within the budget; sizes ascend."""
    left = budget
    for number, size in enumerate(sizes):
        each = left // (len(sizes) - number)
        if size > each:
            return max(each, 1)
        left -= size
    return max(sizes, default=0)
