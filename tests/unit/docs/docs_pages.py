"""The documentation as data: pages, their fenced blocks, the commands in them, links and anchors."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TOP = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "bench/README.md",
    "finexpert/web/README.md",
    "lambdas/README.md",
    "localcloud/README.md",
    "training/README.md",
)
ALSO_WRAPPED = (
    "finexpert/sample/README.md",
    "tests/conformance/reaper/README.md",
    "tests/conformance/spend/README.md",
    "training/evaluation/items/README.md",
)
"""Pages beside the code of which only the width of lines is tested."""
PROGRAMS = ("finexpert", "make", "cdk", "python", "pytest", "torchrun", "aws", "export", "source", "eval")
"""A block with a line that begins with one of these holds commands."""
SHELL = ("", "sh", "console")
"""Marks of the blocks that may hold commands."""

_FENCE = re.compile(r"^(?P<indent> *)```(?P<mark>\w*)\n(?P<body>.*?)^(?P=indent)```$", re.M | re.S)
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S+")
_SUBSTITUTION = re.compile(r'eval "\$\((?P<inner>[^)]*)\)"')
_PATH = re.compile(
    r"(?:bench|core|docs|finexpert|infra|lambdas|localcloud|notebooks|serving|tests|tools|training)/[a-z0-9_./-]*"
)
_UNBREAKABLE = re.compile(r"^\W*(?:`[^`]*`|\[[^]]*\]\(\S*\)|\S+)\W*$|\S{80,}|`[^`]{80,}`")
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class Command:
    """A command as a reader would type it, and what the page says that it prints ("" for nothing said)."""

    page: str
    text: str
    printed: str = ""

    @property
    def words(self) -> list[str]:
        """Its words as the shell sees them, without variables before it and redirections behind it."""
        words = shlex.split(self.text)
        while words and _ASSIGNMENT.fullmatch(words[0]):
            words.pop(0)
        return words[: words.index(">")] if ">" in words else words


def pages() -> list[Path]:
    """Every page, in a fixed order."""
    return [*(ROOT / name for name in TOP), *sorted((ROOT / "docs").rglob("*.md"))]


def name(page: Path) -> str:
    """A page's path below the repository's root."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[tuple[str, list[str]]]:
    """The mark and the lines of each fenced block."""
    for found in _FENCE.finditer(page.read_text(encoding="utf-8")):
        indent = len(found["indent"])
        yield found["mark"], [line[indent:] for line in found["body"].splitlines()]


def commands(page: Path) -> list[Command]:
    """The commands of a page, one for each part of `a && b`."""
    return [command for block in command_blocks(page) for command in block]


def command_blocks(page: Path) -> list[list[Command]]:
    """The commands of each block that holds some."""
    found = []
    for mark, lines in blocks(page):
        if mark == "console":
            found.append(list(_of_console(name(page), lines)))
        elif mark in SHELL and any(_program(line) for line in lines):
            found.append([each for line in lines if line.strip() for each in _of_line(name(page), line)])
    return found


def inline(page: Path) -> list[str]:
    """The commands that the prose and its tables name: `finexpert …`, `make …`, `cdk …`, `python …`."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return re.findall(r"`((?:finexpert|make|cdk|python|pytest|aws) [a-z./-][^`]*)`", text)


def links(page: Path) -> list[str]:
    """The targets of a page's links and pictures."""
    return [found["target"] for found in _LINK.finditer(_FENCE.sub("", page.read_text(encoding="utf-8")))]


def paths(page: Path) -> list[str]:
    """The files and folders of this repository that the page names in code marks."""
    marked = re.findall(r"`([^`\s]+)`", _FENCE.sub("", page.read_text(encoding="utf-8")))
    return [path for path in marked if _PATH.fullmatch(path)]


def long_lines(page: Path, width: int) -> list[int]:
    """The numbers of lines of prose beyond the width: not of tables, blocks, headings or lone links."""
    text = _FENCE.sub(lambda block: "\n" * block[0].count("\n"), page.read_text(encoding="utf-8"))
    return [
        number
        for number, line in enumerate(text.split("\n"), 1)
        if len(line) > width and not line.startswith(("|", "#", "    ")) and _UNBREAKABLE.search(line) is None
    ]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return {_anchor(title) for title in re.findall(r"^#+ +(.+)$", text, re.M)}


def _anchor(title: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", title.strip().lower())
    return kept.replace(" ", "-")


def _program(line: str) -> bool:
    words = line.split()
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words.pop(0)
    return bool(words) and words[0] in PROGRAMS


def _of_console(page: str, lines: list[str]) -> Iterator[Command]:
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        printed = "\n".join(lines[start + 1 : end])
        for command in _of_line(page, lines[start][2:]):
            yield Command(page, command.text, printed)


def _of_line(page: str, line: str) -> Iterator[Command]:
    plain = re.sub(r"\s+#\s.*$", "", line).strip()
    for part in plain.split(" && "):
        inner = _SUBSTITUTION.fullmatch(part)
        yield Command(page, inner["inner"] if inner else part)
