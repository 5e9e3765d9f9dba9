"""Answers of several models to one prompt, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from finexpert.service.asking.inference import Answer, Heard
    from finexpert.views.display import Live


def show_pieces(live: Live, prompt: str, models: list[str]) -> Heard:
    """A function that shows the answers side by side as they are written; only a terminal shows them."""
    texts = dict.fromkeys(models, "")

    def heard(model: str, text: str) -> None:
        texts[model] = text
        live.update(side_by_side(prompt, texts), "")

    return heard


def heading(answer: Answer) -> str:
    """The model that answered, and how long it took."""
    return f"{answer.model} ({answer.seconds:.1f} s)"


def side_by_side(prompt: str, texts: Mapping[str, str]) -> Table:
    """Answers to one prompt, a column each under their headings."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = Text(prompt + " …", style="italic")
    table = Table(box=box.ROUNDED, title=title, title_justify="left", expand=True)
    for column in texts:
        table.add_column(Text(column), ratio=1, overflow="fold")
    table.add_row(*[Text(text.strip()) for text in texts.values()])
    return table
