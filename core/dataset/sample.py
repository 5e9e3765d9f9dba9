"""How much of which file is read where time does not suffice for all of a large dataset."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.dataset.sources import holds_documents


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


def _level(sizes: list[int], budget: int) -> int:
    """The most bytes a file so that all together keep within the budget; sizes ascend."""
    left = budget
    for number, size in enumerate(sizes):
        each = left // (len(sizes) - number)
        if size > each:
            return max(each, 1)
        left -= size
    return max(sizes, default=0)
