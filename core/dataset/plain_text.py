"""Plain text into documents: a line each, blocks between blank lines, or paragraphs of hard-wrapped lines."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise

from core.dataset.lines import LONGEST_LINE_BYTES, taken

#: The layout is recognised from the first lines: at most this many, and this many characters of them.
DETECTION_LINES = 2000
DETECTION_CHARACTERS = 4 << 20
LINES_PER_BLANK = 50
#: Lines are wrapped where at least this share of them ends inside a sentence that the next one continues …
CONTINUED_SHARE = 0.15
#: … and this share of those had no room for the next one's first word. No one wraps lines at more than
#: WIDEST.
FULL_SHARE = 0.5
WIDEST = 250
FEWEST_PAIRS = 8
#: Lines may stay this much below the width: words differ in length, and letters in width.
SLACK = 0.85

_SENTENCE_END = re.compile(r"[.!?:;…][\"'”’)\]]*$")
_LABELLED = re.compile(r"@(?:positive|negative|neutral)$")


@dataclass(frozen=True, slots=True)
class Layout:
    """How documents stand in a text. ``width``: lines are wrapped at about this many characters; 0 = they are
    not. ``labelled``: each line ends in its label, as in the Financial PhraseBank (``…@neutral``)."""

    separated: bool
    width: int = 0
    blank_lines: bool = False
    labelled: bool = False

    def __str__(self) -> str:
        if self.labelled:
            return "a document a line, the labels behind @ left out"
        units = "documents separated by blank lines" if self.blank_lines else "a document a paragraph"
        if self.width:
            return f"{units}, lines wrapped at {self.width} characters joined"
        return units if self.separated else "a document a line"


def layout_of(lines: list[str]) -> Layout:
    """Recognise the layout from the first lines of a text."""
    filled = [line for line in lines if line.strip()]
    labelled = len(filled) >= FEWEST_PAIRS and all(map(_LABELLED.search, filled))
    separated = blank_line_separated(lines)
    width = 0 if labelled else wrap_width(lines)
    return Layout(separated and not labelled, width, separated and not labelled, labelled)


def documents(lines: Iterable[str], layout: Layout) -> Iterator[str]:
    """The documents of a text. What grows beyond LONGEST_LINE_BYTES is given as it is by then, for the caller
    to refuse."""
    if layout.labelled:
        yield from (_LABELLED.sub("", line) for line in lines if line.strip())
    elif not layout.separated and not layout.width:
        yield from (line for line in lines if line.strip())
    else:
        for block in _blocks(lines):
            paragraphs = list(_joined(block, layout.width)) if layout.width else block
            yield from ["\n".join(paragraphs)] if layout.separated else paragraphs


def blank_line_separated(lines: list[str]) -> bool:
    """Whether documents are the blocks between blank lines, not the lines.

    True if the text has a blank line at least every LINES_PER_BLANK lines. A document a line with a stray
    blank line here and there stays a document a line; wrapped paragraphs do not fall apart into half
    sentences.
    """
    gaps, inside, filled = 0, False, 0
    for line in lines:
        if line.strip():
            gaps += not inside and filled > 0
            inside, filled = True, filled + 1
        else:
            inside = False
    return gaps > 0 and filled <= LINES_PER_BLANK * (gaps + 1)


def wrap_width(lines: list[str]) -> int:
    """The width at which lines are wrapped; 0 where each line stands alone."""
    pairs = [(a.rstrip(), b.strip()) for a, b in pairwise(lines) if a.strip() and b.strip()]
    if len(pairs) < FEWEST_PAIRS:
        return 0
    lengths = sorted(len(line) for line, _ in pairs)
    width = lengths[int(len(lengths) * 0.98)]
    continued = [(line, after) for line, after in pairs if continues(line, after)]
    full = sum(_is_full(line, after, width * SLACK) for line, after in continued)
    if width > WIDEST or len(continued) < CONTINUED_SHARE * len(pairs) or full < FULL_SHARE * len(continued):
        return 0
    return width


def continues(text: str, after: str) -> bool:
    """Whether a text ends inside a sentence that another one goes on with."""
    return after[:1].islower() and not _SENTENCE_END.search(text.rstrip())


def read_sample(lines: Iterator[str]) -> list[str]:
    """The first lines, in bounded memory."""
    return taken(lines, DETECTION_LINES, DETECTION_CHARACTERS, len)[0]


def _is_full(line: str, after: str, width: float) -> bool:
    """Whether the first word of the next line would not have fitted."""
    return len(line.rstrip()) + 1 + len(after.split(None, 1)[0]) > width


def _joined(block: list[str], width: int) -> Iterator[str]:
    """The paragraphs of a block of wrapped lines, each on one line."""
    paragraph = [block[0].strip()]
    for line, after in pairwise(block):
        before, after = line.strip(), after.strip()
        new_sentence = not after[:1].islower() and _SENTENCE_END.search(before[-4:])
        if continues(before[-4:], after) or _is_full(line, after, width if new_sentence else width * SLACK):
            hyphenated = before.endswith("-") and before[-2:-1].islower()
            paragraph += [after] if hyphenated else [" ", after]
        else:
            yield "".join(paragraph)
            paragraph = [after]
    yield "".join(paragraph)


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lines between blank ones."""
    block: list[str] = []
    size = 0
    for line in chain(lines, [""]):
        if line.strip():
            block.append(line)
            size += len(line) + 1
        if block and (not line.strip() or size > LONGEST_LINE_BYTES + 1):
            yield block
            block, size = [], 0
