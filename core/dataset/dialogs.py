"""JumpStart's dialogs (``chat_dataset``): ``{"dialog": [{"role": "user", "content": "…"}, …]}``, one a line.

They are written in the form that Llama 2's chat models know: each exchange stands between the model's start
and end, the question within ``[INST] … [/INST]``, a system message inside the first question. The model
learns the answers only. Source of the form: Meta's reference code of Llama 2 (``llama/generation.py``).
"""

from collections.abc import Mapping
from typing import Any

from core.dataset.documents import Turn

_WANTED = 'write {"dialog": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}'


def turns_of(record: Mapping[str, Any]) -> tuple[Turn, ...]:
    """The exchanges of a record. Raises ValueError with what to write."""
    dialog = record.get("dialog")
    if not isinstance(dialog, list) or not dialog:
        raise ValueError(f"the record has no dialog; {_WANTED}")
    messages = [_message(message, place) for place, message in enumerate(dialog, start=1)]
    system = ""
    if messages[0][0] == "system":
        system = f"<<SYS>>\n{messages[0][1]}\n<</SYS>>\n\n"
        messages = messages[1:]
    wanted = ["user", "assistant"] * (len(messages) // 2)
    if not messages or [role for role, _ in messages] != wanted:
        raise ValueError(
            "user and assistant must take turns, the user first and the assistant last (a system message may"
            f" come before); {_WANTED}"
        )
    texts = [text for _, text in messages]
    questions = [system + texts[0], *texts[2::2]]
    return tuple((f"[INST] {q} [/INST]", answer) for q, answer in zip(questions, texts[1::2], strict=True))


def _message(message: Any, place: int) -> tuple[str, str]:
    role = message.get("role") if isinstance(message, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if role not in ("system", "user", "assistant") or not isinstance(content, str):
        raise ValueError(f"message {place} of the dialog has no usable role or content; {_WANTED}")
    if role != "system" and not content.strip():
        raise ValueError(f"message {place} of the dialog is empty")
    return role, content.strip()
