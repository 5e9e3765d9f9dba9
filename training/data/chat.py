"""Dialogs in the form that the base knows: its own chat template, as tokens to read and tokens to learn.

The template is rendered with a placeholder for each content, and the contents are put in as plain text
afterwards: what looks like a special token in a user's text stays text. Marks that a template writes as plain
text, such as Llama 2's [INST], get a space there. The answers are learned, each with the mark that ends it.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.dataset.documents import Message
from core.marks import MARK, as_text

#: What one exchange reads, and what it learns: texts, each with whether it comes from the template.
Marked = tuple[str, bool]
Exchange = tuple[list[Marked], list[Marked]]

#: The file beside the weights that holds the template, where tokenizer_config.json does not.
CHAT_TEMPLATE = "chat_template.jinja"
_PLACEHOLDER = re.compile("\ue000(\\d+)\ue001")
#: Some templates (Llama 3's) write the day; it must not change from run to run.
_DATE = "26 Jul 2024"


def any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Matches each of the texts, the longest first, as group 1; without any it matches nothing."""
    return re.compile(f"({'|'.join(map(re.escape, sorted(texts, key=len, reverse=True))) or '(?!)'})")


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """A base's chat template (Jinja) and the marks that it may use, such as ``bos_token``."""

    template: str
    marks: Mapping[str, str]

    @classmethod
    def beside(cls, folder: Path) -> "ChatTemplate | None":
        """The template beside the weights in ``folder``, as transformers looks for it; None without one."""
        file, separate = folder / "tokenizer_config.json", folder / CHAT_TEMPLATE
        config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        template = separate.read_text(encoding="utf-8") if separate.is_file() else config.get("chat_template")
        if isinstance(template, list):  # several with names
            template = next(
                (each.get("template") for each in template if each.get("name") == "default"), None
            )
        if not isinstance(template, str) or not template.strip():
            return None
        marks = {
            name: value["content"] if isinstance(value, dict) else value
            for name, value in config.items()
            if name.endswith("_token") and isinstance(value, str | dict)
        }
        return cls(template, marks)

    def prompt(self, messages: Sequence[Message], special: Sequence[str]) -> str | None:
        """The text that a model goes on from with its answer to a dialog; None where the template refuses it.

        ``special``: as in ``exchanges``. A mark in a content gets a space, and is text then.
        """
        marks = {*special, *MARK.findall(self.template)}
        dialog = [{"role": role, "content": as_text(content, marks)} for role, content in messages]
        return self._render(dialog, add_generation_prompt=True)

    def exchanges(self, messages: Sequence[Message], special: Sequence[str]) -> list[Exchange] | None:
        """A dialog's exchanges; None where the template refuses the dialog.

        ``special``: the texts of the vocabulary's special tokens; an answer is learned up to the first behind
        it.
        """
        dialog = [
            {"role": role, "content": f"\ue000{place}\ue001"} for place, (role, _) in enumerate(messages)
        ]
        text = self._render(dialog)
        if text is None:
            return None
        parts = _PLACEHOLDER.split(text)
        if parts[1::2] != [str(place) for place in range(len(messages))]:
            return None
        return self._split(messages, parts[::2], special)

    def _render(self, dialog: list[dict[str, str]], *, add_generation_prompt: bool = False) -> str | None:
        from transformers.utils.chat_template_utils import render_jinja_template  # its import takes a second

        try:
            rendered = render_jinja_template(
                [dialog],
                chat_template=self.template,
                add_generation_prompt=add_generation_prompt,
                date_string=_DATE,
                **self.marks,
            )
        except Exception:  # a template may refuse a role or an order by any error
            return None
        return str(rendered[0][0] if isinstance(rendered, tuple) else rendered)

    def _split(
        self, messages: Sequence[Message], between: list[str], special: Sequence[str]
    ) -> list[Exchange] | None:
        """``between``: what the template writes before, between and after the contents."""
        ends = any_of(special)
        plain = {*MARK.findall(self.template)} - {*special}  # no own token, so that only a space helps
        found: list[Exchange] = []
        read: list[Marked] = [(between[0], True)]
        for (role, content), after in zip(messages, between[1:], strict=True):
            if role != "assistant":
                read += [(as_text(content, plain), False), (after, True)]
                continue
            end = ends.search(after)
            if end is None:
                return None  # without a mark the model would not learn to stop
            found.append((read, [(content, False), (after[: end.end()], True)]))
            read = [(after[end.end() :], True)]
        return found
