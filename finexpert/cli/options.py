"""The options that every command takes, before or after its verb: where to act, settings, stack traces."""

import copy
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from finexpert.errors import UsageError
from finexpert.service.target import On

TextColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The column with the text, where it is not recognised.", show_default=False
    ),
]
PromptColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[,NAME]",
        help="The column with the question, and one with its context; needs --completion-column.",
        show_default=False,
    ),
]
CompletionColumn = Annotated[
    str | None, typer.Option(metavar="NAME", help="The column with the answer to learn.", show_default=False)
]

MaxNewTokens = Annotated[int, typer.Option(help="Most tokens of an answer.", min=1, max=2048)]
Temperature = Annotated[
    float, typer.Option(help="0: the likeliest words; higher: more varied ones.", min=0.0)
]
Seed = Annotated[int, typer.Option(help="With --temperature: the same seed gives the same answer.")]

JSON = "--json"
SHARED = ("on", "settings", "profile", "debug")
DEBUG = "--debug"


@dataclass
class Options:
    """Values of the shared options. `flags`: settings by `-c key=value`, which win over all other places."""

    on: On = On.AUTO
    flags: dict[str, str] = field(default_factory=dict)
    profile: str = ""


def of(context: typer.Context) -> Options:
    """The options of the command under way."""
    return context.ensure_object(Options)


def parse_pairs(pairs: Sequence[str], *, option: str, example: str) -> dict[str, str]:
    """`["epoch=3", "lora_r=4"]` as a mapping; the last of several with one name wins.

    Args:
        option, example: for the message.

    Raises:
        UserError: an entry without `=` or without a name.
    """
    chosen: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(
                f"{pair!r} is not of the form name=value.",
                where=option,
                fix=f"For example: {option} {example}",
            )
        chosen[key.strip()] = value.strip()
    return chosen


def columns(text: str | None, prompt: str | None, completion: str | None) -> dict[str, str]:
    """The hyperparameters that name a dataset's columns, those that were given."""
    named = {"text_column": text, "prompt_column": prompt, "completion_column": completion}
    return {name: column for name, column in named.items() if column}


def parse_settings(pairs: Sequence[str] | None) -> dict[str, str]:
    """The values of `-c`."""
    return parse_pairs(pairs or (), option="-c", example="budget_usd=40")


def asked_for(word: str, arguments: Sequence[str]) -> bool:
    """Whether a flag is among the arguments, also where they cannot be parsed."""
    return word in itertools.takewhile(lambda argument: argument != "--", arguments)


def share(group: Any) -> Any:
    """Let each verb below `group` take the group's own options too; returns the group.

    Args:
        group: a command group as `typer.main.get_command` makes it; verbs take its options in `SHARED` too.
    """
    shared = [option for option in group.params if option.name in SHARED]
    for verb in _verbs(group):
        verb.params += [_again(option) for option in shared]
    return group


def _verbs(group: Any) -> Iterator[Any]:
    for command in group.commands.values():
        if hasattr(command, "commands"):
            yield from _verbs(command)
        else:
            yield command


def _again(option: Any) -> Any:
    """A copy of the option for after the verb; where it is not given there, it changes nothing."""
    again = copy.copy(option)
    again.default, again.envvar, again.expose_value = None, None, False
    again.show_default, again.rich_help_panel = False, "Options of all commands"
    again.callback = lambda context, parameter, value: _keep(of(context), parameter.name, value)
    return again


def _keep(options: Options, name: str, value: Any) -> None:
    """Keep what was given after the verb. `asked_for` reads `--debug`, also where nothing can be parsed."""
    if name == "settings":
        options.flags |= parse_settings(value)
    elif name == "on" and value:
        options.on = On(value)
    elif name == "profile" and value:
        options.profile = value
