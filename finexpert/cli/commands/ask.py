"""`finexpert ask`: one prompt, the base model beside the fine-tuned one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from finexpert.cli.commands.common import Json, open_deployment

if TYPE_CHECKING:
    from rich.table import Table

    from finexpert.cli.views.display import Live
    from finexpert.service.asking.asking import Answer, Heard


def ask(
    context: typer.Context,
    prompt: Annotated[str, typer.Argument(help="The text to go on from.", show_default=False)],
    max_new_tokens: Annotated[int, typer.Option(help="Length of an answer.", min=1, max=2048)] = 64,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token each time.", min=0.0)] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the sampling; the same seed gives the same answer.")] = 10,
    json: Json = False,
) -> None:
    """Ask the live endpoint: base and tuned, side by side, as they write.

    Example: finexpert ask "The results are encouraging for aggressive investors"
    """
    from finexpert.cli.views import display
    from finexpert.service.asking import asking

    if not prompt.strip():
        raise typer.BadParameter("the prompt is empty; give the text to go on from")
    deployment = open_deployment(context)
    with display.Live(display.console(stderr=json)) as live:
        heard = show_pieces(live, prompt, list(asking.models(deployment)))
        parameters = asking.generation(max_new_tokens, temperature, seed)
        answers = asking.ask(deployment, prompt, parameters, heard=heard)
    if json:
        display.print_json([asdict(answer) for answer in answers])
    else:
        display.console().print(side_by_side(prompt, {heading(answer): answer.text for answer in answers}))


def show_pieces(live: Live, prompt: str, models: list[str]) -> Heard:
    """A function that shows the answers side by side as they are written; only a terminal shows them."""
    texts = dict.fromkeys(models, "")

    def heard(model: str, text: str) -> None:
        texts[model] = text
        live.update(side_by_side(prompt, texts), "")

    return heard


def heading(answer: Answer) -> str:
    """Who answered, and how long it took."""
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
