"""The documents of a dataset, and the problems that its files can have."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

#: An error message names this many problems, then a count.
SHOWN_PROBLEMS = 10

#: One exchange of a dialog: what is asked, in the form that the model reads, and the answer that it learns.
Turn = tuple[str, str]
#: One message of a dialog: who speaks ("system", "user" or "assistant") and the text.
Message = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Document:
    """One unit of text: it is held out, packed and measured as a whole.

    ``prompt`` is set in instruction tuning: the model learns ``text`` (the completion) after it.
    ``source`` and ``index`` (from 0) say where it stands, for messages and reports. ``task`` is what it
    teaches in a dataset of several tasks, "" in a dataset of one. A dialog has ``messages``, and ``turns`` in
    Llama 2's form; its ``prompt`` is then the first question, and ``text`` all answers, a line each.
    Documents of one ``group`` come from one source: they stand on the same side of the split.
    """

    text: str
    prompt: str | None
    source: str
    index: int
    task: str = ""
    turns: tuple[Turn, ...] = ()
    messages: tuple[Message, ...] = ()
    group: str = ""

    @property
    def parts(self) -> tuple[tuple[str | None, str], ...]:
        """The pieces of the document in turn: text that is only read, and text that is learned."""
        return self.turns or ((self.prompt, self.text),)

    @property
    def size(self) -> int:
        """Size in UTF-8 bytes, prompts included."""
        return sum(len(learned.encode()) + len((read or "").encode()) for read, learned in self.parts)

    @property
    def digest(self) -> bytes:
        """16 bytes that are equal for documents that differ in white space only."""
        if self.prompt is None:
            content = " ".join(self.text.split())
        else:
            content = "\x00".join(" ".join((part or "").split()) for turn in self.parts for part in turn)
        return hashlib.blake2b(content.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a document stood, without its text: all that reports need to name it."""

    source: str
    index: int
    task: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a file that cannot be used as it is; ``line`` counts from 1, None = the whole file."""

    source: str
    line: int | None
    message: str

    def __str__(self) -> str:
        where = self.source if self.line is None else f"{self.source}, line {self.line}"
        return f"{where}: {self.message}"


class DatasetError(ValueError):
    """The dataset cannot be used; ``problems`` are all of them, the message shows the first, a line each."""

    def __init__(self, problems: Sequence[Problem | str]) -> None:
        self.problems = tuple(str(problem) for problem in problems)
        shown = list(self.problems[:SHOWN_PROBLEMS])
        if len(self.problems) > len(shown):
            shown.append(f"… and {len(self.problems) - len(shown)} more")
        super().__init__("\n".join(shown))
