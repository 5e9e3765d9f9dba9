"""`finexpert ask`: one prompt, the base model beside the fine-tuned one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from finexpert.commands.common import Json, open_deployment

if TYPE_CHECKING:
    from rich.table import Table

    from finexpert.ops.asking import Answer


def ask(
    context: typer.Context,
    prompt: Annotated[str, typer.Argument(help="The text to go on from.", show_default=False)],
    max_new_tokens: Annotated[int, typer.Option(help="Length of an answer.", min=1, max=2048)] = 64,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token each time.", min=0.0)] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the sampling; the same seed gives the same answer.")] = 10,
    json: Json = False,
) -> None:
    """Ask the live endpoint: base and tuned, side by side.

    Example: finexpert ask "The results are encouraging for aggressive investors"
    """
    from finexpert import display
    from finexpert.ops import asking

    deployment = open_deployment(context, json=json)
    asking.require_awake(deployment)
    answers = asking.ask(deployment, prompt, generation(max_new_tokens, temperature, seed))
    if json:
        display.print_json([asdict(answer) for answer in answers])
    else:
        display.console().print(side_by_side(answers))


def generation(max_new_tokens: int, temperature: float, seed: int) -> dict[str, object]:
    """The request's parameters; sampling is on only where the temperature asks for it."""
    chosen: dict[str, object] = {"max_new_tokens": max_new_tokens, "do_sample": temperature > 0}
    return chosen | ({"temperature": temperature, "seed": seed} if temperature > 0 else {})


def side_by_side(answers: list[Answer]) -> Table:
    """Answers to one prompt, a column each."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = Text(answers[0].prompt + " …", style="italic")
    table = Table(box=box.ROUNDED, title=title, title_justify="left", expand=True)
    for answer in answers:
        table.add_column(f"{answer.model} ({answer.seconds:.1f} s)", ratio=1, overflow="fold")
    table.add_row(*[Text(answer.text.strip()) for answer in answers])
    return table
