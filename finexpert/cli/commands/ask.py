"""`finexpert ask`: one prompt, the base model beside the fine-tuned one."""

from dataclasses import asdict
from typing import Annotated

import typer

from finexpert.cli import options
from finexpert.cli.commands.common import Json, open_deployment
from finexpert.views import display


def ask(
    context: typer.Context,
    prompt: Annotated[
        str, typer.Argument(help="The question, or a text that the models continue.", show_default=False)
    ],
    max_new_tokens: options.MaxNewTokens = 64,
    temperature: options.Temperature = 0.0,
    seed: options.Seed = 10,
    json: Json = False,
) -> None:
    """Ask the live endpoint: the base and the tuned model answer side by side.

    Example: finexpert ask "The results are encouraging for aggressive investors"
    """
    from finexpert.service.asking import inference
    from finexpert.service.endpoint import switch
    from finexpert.views.answers import heading, introduce, show_pieces, side_by_side

    if not prompt.strip():
        raise typer.BadParameter("the prompt is empty; give the text to go on from")
    deployment = open_deployment(context)
    introduce(deployment)
    with display.Live(display.console(stderr=json)) as live:
        on_text = show_pieces(live, prompt, list(switch.models(deployment)))
        parameters = inference.generation(max_new_tokens, temperature, seed)
        answers = inference.ask(deployment, prompt, parameters, on_text=on_text)
    if json:
        display.print_json([asdict(answer) for answer in answers])
    else:
        texts = {heading(answer): answer.text for answer in answers}
        display.console().print(side_by_side(answers[0].prompt, texts))
