"""The marks that models' vocabularies and chat templates use, where they stand in people's texts.

A model reads such a mark in a prompt as the end of a text or as another speaker's turn. A space after its
first character makes it plain text for every tokenizer.
"""

import re
from collections.abc import Iterable

#: Marks of common models. Names of tags such as <table> and <think> are not among them.
MARK = re.compile(
    r"<[|｜][^\s<>|｜]{2,40}[|｜]>|</?s>|<(?:bos|eos|pad|unk|start_of_turn|end_of_turn)>|<</?SYS>>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
)


def as_text(text: str, marks: Iterable[str] | None = None) -> str:
    """``text`` with a space within each mark; ``marks``: those that count, else all that are common."""
    longest_first = sorted(filter(None, marks or ()), key=len, reverse=True)
    found = MARK if marks is None else re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
    return found.sub(lambda mark: f"{mark[0][:1]} {mark[0][1:]}", text)
