"""`finexpert chat`: a conversation with the live endpoint."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from finexpert.cli import options
from finexpert.cli.commands.common import Json, open_deployment
from finexpert.views import display

if TYPE_CHECKING:
    from rich.console import Console

    from finexpert.service.asking.chat import Conversation
    from finexpert.service.deployment import Deployment

HELP = "/base, /tuned or /both: who answers · /clear: begin anew · /help · /quit, or Ctrl-D"


def chat(
    context: typer.Context,
    to: Annotated[
        str, typer.Option(metavar="base|tuned|both", help="The model that answers at first.")
    ] = "both",
    max_new_tokens: options.MaxNewTokens = 64,
    temperature: options.Temperature = 0.0,
    seed: options.Seed = 10,
    json: Json = False,
) -> None:
    """Talk with the live endpoint; each model remembers the conversation.

    Type /base, /tuned, /both, /clear, /help, /quit. In a pipe each line of the input is a turn.

    Example: finexpert chat --to tuned --temperature 0.8
    """
    from finexpert.service.asking import inference
    from finexpert.service.asking.chat import begin
    from finexpert.views.answers import introduce

    deployment = open_deployment(context)
    inference.require_awake(deployment)
    conversation = begin(deployment)
    if not conversation.address(to):
        raise typer.BadParameter(f"there is no model {to!r} here: {', '.join(conversation.models)}")
    out = display.console(stderr=json)
    introduce(deployment)
    parameters = inference.generation(max_new_tokens, temperature, seed)
    for line in lines(conversation, out):
        if line.startswith("/"):
            if not obey(conversation, line, out):
                break
        else:
            _turn(deployment, conversation, line, parameters, out)
    if json:
        display.print_json([asdict(turn) for turn in conversation.turns])


def lines(conversation: Conversation, out: Console) -> Iterator[str]:
    """Yield the lines typed at a prompt that names the answering models; in a pipe, the input's lines."""
    typed = sys.stdin.isatty()
    if typed:
        import readline  # noqa: F401  gives `input` its history and line editing

        out.print(f"[dim]{HELP}[/]")
    while True:
        try:
            line = input(f"{' + '.join(conversation.addressed)} › " if typed else "").strip()
        except EOFError:
            return
        if line:
            yield line


def obey(conversation: Conversation, line: str, out: Console) -> bool:
    """Follow a command of the conversation; False ends it."""
    word = line[1:].strip().lower()
    if word in ("quit", "exit"):
        return False
    if word == "clear":
        conversation.clear()
        out.print("[dim]forgotten: a new conversation[/]")
    elif conversation.address(word):
        out.print(f"[dim]now answering: {' and '.join(conversation.addressed)}[/]")
    else:
        unknown = "" if word == "help" else f"There is no command /{word}. "
        out.print(f"{unknown}{HELP}", style="dim", markup=False)
    return True


def _turn(
    deployment: Deployment,
    conversation: Conversation,
    said: str,
    parameters: dict[str, object],
    out: Console,
) -> None:
    """Ask and show one turn. Ctrl-C ends the answers and the chat."""
    from finexpert.service.asking import chat
    from finexpert.views.answers import heading, show_pieces, side_by_side

    before = conversation.forgotten
    with display.Live(out) as live:
        on_text = show_pieces(live, said, list(conversation.addressed))
        answers = chat.say(deployment, conversation, said, parameters, on_text=on_text)
    out.print(side_by_side(said, {heading(answer): answer.text for answer in answers}))
    if conversation.forgotten > before:
        out.print("[dim]The oldest turns no longer fit into the models' context and were left out.[/]")
