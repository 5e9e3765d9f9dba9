"""The files of a dataset: which there are, on which side of the split they are, and which task they teach."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from core.dataset.lines import BinaryStream, OpenedStream
from core.dataset.questions import QUESTION_FOLDER, holds_questions
from core.dataset.templates import TEMPLATE_NAME

#: An open binary stream, or a function that opens one in its turn.
Stream = BinaryStream | Callable[[], OpenedStream]
#: A name (path or S3 key) and its content.
Source = tuple[str, Stream]

#: Endings of the files that are read for documents.
READABLE = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".ndjson")
RECORDS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
#: Endings of files that hold text in another form, and how it becomes one of those above.
_ON_YOUR_MACHINE = "`finexpert data check`, `upload` and `train` convert it on your machine"
_SPREADSHEET = "save the sheet as CSV (UTF-8)"
_TO_JSON = ".to_json('train.jsonl', orient='records', lines=True)"
CONVERTIBLE = dict.fromkeys((".pdf", ".docx", ".xlsx", ".html", ".htm", ".parquet"), _ON_YOUR_MACHINE)
REMEDIES = CONVERTIBLE | {
    ".xls": _SPREADSHEET,
    ".xlsm": _SPREADSHEET,
    ".ods": _SPREADSHEET,
    ".doc": "save it as .docx or as plain text",
    ".rtf": "save it as plain text",
    ".md": "give it the ending .txt",
    ".text": "give it the ending .txt",
    ".arrow": "write JSON lines: datasets.load_from_disk(FOLDER)['train'].to_json('train.jsonl')",
    ".feather": f"write JSON lines: pandas.read_feather(FILE){_TO_JSON}",
    ".pkl": f"write JSON lines: pandas.read_pickle(FILE){_TO_JSON}",
    **dict.fromkeys((".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".7z"), "unpack it first"),
}
#: Files about a dataset, which are no part of it: by stem, in capitals, and by name.
_ABOUT = ("README", "LICENSE", "NOTICE")
_DESCRIPTIONS = (
    "dataset_info.json",
    "dataset_infos.json",
    "state.json",
    "dataset_dict.json",
    "metadata.json",
)

Side = Literal["training", "validation", "test"]
#: What folders, files and a JSON object's keys are called on each side (names of Hugging Face's datasets).
_SIDES: dict[str, Side] = {
    **dict.fromkeys(("train", "training"), "training"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
#: A file name that is a side's, with the number of its part perhaps: ``test``, ``train-00000-of-00005``.
_SIDE_NAME = re.compile(rf"({'|'.join(_SIDES)})(?:[-_.]?\d+(?:-of-\d+)?)?", re.IGNORECASE)
#: A side within a name, between separators: ``fpb_train``, ``news.test.en``.
_SIDE_WITHIN = re.compile(rf"(?:^|(?<=[-_. ]))({'|'.join(_SIDES)})(?=$|[-_. ])", re.IGNORECASE)
#: The task of files that lie beside the folders of other tasks.
OTHER_TASK = "other"
#: More folders than these are the order of an archive, not tasks.
MOST_TASKS = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """``limits``: bytes to read of each file that is not read whole (0 = not opened); ``share`` of all
    documents' bytes that is read, 1 = everything."""

    limits: dict[str, int]
    share: float

    @classmethod
    def of(cls, sizes: Mapping[str, int], *, most_bytes: int, most_files: int) -> "Sample":
        """Read the beginning of every file, the same number of bytes of each large one; of too many files,
        some at equal distances."""
        sides = sides_of(list(sizes))
        files = [(n, size) for n, size in sizes.items() if holds_documents(n) and sides[n] != "test"]
        step = -(-len(files) // most_files) or 1
        chosen = dict(files[::step])
        limit = _level(sorted(chosen.values()), most_bytes)
        limits = {name: 0 for name, _ in files if name not in chosen}
        limits |= {name: limit for name, size in chosen.items() if size > limit}
        total = sum(size for _, size in files)
        read = sum(min(size, limit) for size in chosen.values())
        return cls(limits, read / total if total else 1.0)


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
    """(to train on, held out): files and folders named validation, valid, val or dev are held out; None where
    there are none. Test sides are on neither.

    A template at the top serves both sides.
    """
    given = list(sources)
    sides = sides_of([name for name, _ in given])
    inside = [source for source in given if sides[source[0]] == "training"]
    outside = [source for source in given if sides[source[0]] == "validation"]
    if not any(holds_documents(name) for name, _ in outside):
        return inside, None
    return inside, [source for source in inside if source[0] == TEMPLATE_NAME] + outside


def sides_of(names: Sequence[str]) -> dict[str, Side]:
    """The side of each file, by its folders and then its own name.

    A name that only holds such a word (``stress_test.txt``) counts where another file has the same name with
    ``train`` in its place.
    """
    lowered = {name.lower() for name in names}
    return {name: _side(name, lowered) for name in names}


def side_of_key(key: str) -> Side | None:
    """The side that a key of a JSON object names, if it does."""
    return _SIDES.get(key.lower())


def side_column_of(columns: Iterable[str]) -> str | None:
    """The column that says which side a row is on, if there is one."""
    return next((name for name in columns if name.strip().lower() in ("split", "subset", "partition")), None)


def side_of(record: object, column: str | None) -> Side:
    """The side of a row by its column for that; training where it names none."""
    value = record.get(column) if column is not None and isinstance(record, dict) else None
    return (side_of_key(value.strip()) if isinstance(value, str) else None) or "training"


def _side(name: str, all_names: set[str]) -> Side:
    *folders, file = name.split("/")
    if QUESTION_FOLDER in folders:
        folders = folders[: folders.index(QUESTION_FOLDER)]
    named = [_SIDES[folder.lower()] for folder in folders if folder.lower() in _SIDES]
    if named:
        return named[-1]
    stem = PurePosixPath(file).stem
    if file == TEMPLATE_NAME or holds_questions(name):
        return "training"
    if whole := _SIDE_NAME.fullmatch(stem):
        return _SIDES[whole[1].lower()]
    for found in _SIDE_WITHIN.finditer(stem):
        at = len(name) - len(file) + found.start()
        others = (f"{name[:at]}{word}{name[at + len(found[0]) :]}".lower() for word in ("train", "training"))
        if any(other in all_names for other in others):
            return _SIDES[found[1].lower()]
    return "training"


def why_left_out(name: str) -> str | None:
    """Why a file is not read, with the remedy; "" where that needs no word, None where it is read."""
    path = PurePosixPath(name)
    if (
        path.name == TEMPLATE_NAME
        or name.endswith("/")
        or path.stem.upper() in _ABOUT
        or path.name in _DESCRIPTIONS
    ):
        return ""
    if path.suffix.lower() in READABLE:
        return None
    remedy = REMEDIES.get(path.suffix.lower())
    return f"not one of {', '.join(READABLE)}" + (f"; {remedy}" if remedy else "")


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
    return why_left_out(name) is None and not holds_questions(name)


def _folder(name: str) -> str:
    others = (*_SIDES, "ects", "gt_summaries")  # ECTSum's two folders are one task
    folders = [folder for folder in name.split("/")[:-1] if folder.lower() not in others]
    return folders[0] if folders else ""


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def _printable(name: str) -> str:
    """File names may hold bytes that are no UTF-8; nothing that prints them may fail over that."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _opener(path: Path) -> Callable[[], OpenedStream]:
    def opened() -> OpenedStream:
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
