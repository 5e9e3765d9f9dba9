"""Dialogs: JumpStart's ``dialog``, OpenAI's ``messages``, ShareGPT's ``conversations``, text with marks.

A dialog is a list of messages, ``{"role": "user", "content": "…"}`` or ``{"from": "human", "value": "…"}``.
The model learns the answers only. Where the base has a chat template, the trainer writes dialogs with it.
Else they are written as Llama 2's chat models know them: each exchange stands between the model's start and
end, the question within ``[INST] … [/INST]``, a system message inside the first question. Such marks in a
message are made plain text, as Meta's reference code refuses them. Source of the form: that code of Llama 2
(``llama/generation.py``).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.dataset.documents import Message, Turn
from core.marks import as_text

#: Columns that hold dialogs, the first that is there counts.
DIALOG_COLUMNS = ("dialog", "messages", "conversations", "conversation", "chat")
#: Who speaks, by the names that the forms have for it.
ROLES = {
    "system": "system",
    "developer": "system",
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "bot", "model", "ai", "chatgpt"), "assistant"),
}
#: Marks that Llama 2 reads as the bounds of a question or a system message.
LLAMA_2_MARKS = ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>")
_WANTED = 'write {"dialog": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}'
_LLAMA_2 = re.compile(r"\s*(?:<s>)?\s*\[INST\](.*?)\[/INST\](.*?)(?:</s>|(?=<s>|\[INST\])|\Z)\s*", re.DOTALL)
_LLAMA_2_SYSTEM = re.compile(r"\s*<<SYS>>\s*(.*?)\s*<</SYS>>\s*(.*)", re.DOTALL)
_CHATML = re.compile(r"\s*<\|im_start\|>(\w+)\n(.*?)(?:<\|im_end\|>|\Z)\s*", re.DOTALL)


def messages_of(record: Mapping[str, Any], column: str | None = None) -> tuple[Message, ...]:
    """The messages of a record: a system message perhaps, then question and answer in turn.

    Raises ValueError with what to write.
    """
    column = column or next((name for name in DIALOG_COLUMNS if name in record), "dialog")
    dialog = record.get(column)
    if not isinstance(dialog, list) or not dialog:
        raise ValueError(f"the record has no dialog; {_WANTED}")
    messages = [_message(message, place) for place, message in enumerate(dialog, start=1)]
    system = _content(record.get("system"))
    if system and messages[0][0] != "system":
        messages.insert(0, ("system", system))
    return _in_turn(messages)


def turns_of(messages: Sequence[Message]) -> tuple[Turn, ...]:
    """The exchanges of a dialog in Llama 2's form."""
    texts = [text if role == "assistant" else as_text(text, LLAMA_2_MARKS) for role, text in messages]
    system = f"<<SYS>>\n{texts.pop(0)}\n<</SYS>>\n\n" if messages[0][0] == "system" else ""
    questions = [system + texts[0], *texts[2::2]]
    return tuple((f"[INST] {q} [/INST]", answer) for q, answer in zip(questions, texts[1::2], strict=True))


def marked_messages(text: str) -> tuple[Message, ...] | None:
    """The messages of a text that is a dialog with the marks of Llama 2 (``[INST]``) or ChatML; else None."""
    if "[INST]" in text:
        messages = _unmarked(text, _LLAMA_2, lambda found: [("user", found[1]), ("assistant", found[2])])
    elif "<|im_start|>" in text:
        messages = _unmarked(text, _CHATML, lambda found: [(found[1], found[2])])
    else:
        return None
    try:
        if messages and (system := _LLAMA_2_SYSTEM.fullmatch(messages[0][1])):
            messages = [("system", system[1]), ("user", system[2]), *messages[1:]]
        return _in_turn([(ROLES[role], content.strip()) for role, content in messages])
    except (KeyError, ValueError):
        return None


def _unmarked(text: str, pattern: re.Pattern[str], read: Any) -> list[Message]:
    messages: list[Message] = []
    at = 0
    while at < len(text):
        found = pattern.match(text, at)
        if not found or found.end() == at:
            return []
        messages += read(found)
        at = found.end()
    return messages


def _in_turn(messages: list[Message]) -> tuple[Message, ...]:
    spoken = messages[1:] if messages and messages[0][0] == "system" else messages
    wanted = ["user", "assistant"] * (len(spoken) // 2)
    if not spoken or [role for role, _ in spoken] != wanted:
        raise ValueError(
            "user and assistant must take turns, the user first and the assistant last (a system message may"
            f" come before); {_WANTED}"
        )
    for place, (role, content) in enumerate(messages, start=1):
        if role != "system" and not content:
            raise ValueError(f"message {place} of the dialog is empty")
    return tuple(messages)


def _message(message: Any, place: int) -> Message:
    given = message if isinstance(message, dict) else {}
    role = given.get("role", given.get("from"))
    content = _content(given.get("content", given.get("value")))
    if not isinstance(role, str) or role.lower() not in ROLES or content is None:
        raise ValueError(f"message {place} of the dialog has no usable role or content; {_WANTED}")
    return ROLES[role.lower()], content


def _content(content: Any) -> str | None:
    """Text, or parts of it (``[{"type": "text", "text": "…"}]``); None for anything else."""
    if isinstance(content, list) and content:
        texts = [part.get("text") if isinstance(part, dict) else part for part in content]
        content = "\n".join(map(str, texts)) if all(isinstance(text, str) for text in texts) else None
    return content.strip() if isinstance(content, str) else None
