"""The command `finexpert`: its verbs, and how problems end it.

    finexpert quickstart                from a fresh checkout to the first answer
    finexpert demo                      the whole life of a fine-tune on this machine
    finexpert data check reports/       what your text holds, before anything is paid for
    finexpert train reports/ --wake     fine-tune, follow, serve
    finexpert ask "…"                   base and tuned, side by side

Start-up counts: `--help` must come in 0.4 s, so nothing heavy is imported until a verb needs it.
"""

import os
import sys
from importlib import import_module
from typing import Annotated

import typer

from finexpert.cli import options
from finexpert.errors import ExitCode, UserError, explain
from finexpert.service.target import On

EPILOG = (
    "Exit codes: 0 done · 1 failed · 2 wrong usage or settings · 3 the quality gate said no · "
    "4 doctor or leftovers found something · 130 interrupted. Settings: cdk.json, then FINEXPERT_<KEY> in "
    "the environment, then -c key=value; finexpert config shows which won."
    " Example: finexpert data check reports/"
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog=EPILOG,
    help="Turn Llama 2 7B into an expert on your own financial text, "
    "on AWS or on this machine's embedded cloud.",
)


@app.callback()
def shared(
    context: typer.Context,
    on: Annotated[
        On,
        typer.Option(
            "--on",
            envvar="FINEXPERT_ON",
            help="The cloud to act on. auto: the embedded cloud if one runs in this checkout, else AWS. "
            "AWS_ENDPOINT_URL, if set, is always the embedded cloud.",
        ),
    ] = On.AUTO,
    settings: Annotated[
        list[str] | None,
        typer.Option("-c", metavar="KEY=VALUE", help="Set a setting for this command; may be repeated."),
    ] = None,
    profile: Annotated[
        str,
        typer.Option(
            "--profile",
            metavar="NAME",
            help="A profile of the AWS configuration, also with SSO or an assumed role; it means AWS.",
            show_default=False,
        ),
    ] = "",
    debug: Annotated[bool, typer.Option(options.DEBUG, help="Show the stack trace of a failure.")] = False,
) -> None:
    """Options that all verbs share; each takes them after its own name too."""
    context.obj = options.Options(on, options.parse_settings(settings), profile)


PRIVATE = 0o077
"""The rights of files that commands write: only their owner may read reports, datasets and local state."""
PANELS = {
    "Try it on this machine": "quickstart demo local",
    "Before money is spent": "doctor config data",
    "Fine-tune": "train runs evaluate compare",
    "Ask the model": "wake ask chat sleep web",
    "Ask the documents, compare models": "docs benchmark",
    "Money and guardrails": "costs plan prices reap snooze restore leftovers",
}
"""The verbs as the help lists them: modules of `commands`, with a function of their name or an `app`."""

for panel, verbs in PANELS.items():
    for verb in verbs.split():
        module = import_module(f"finexpert.cli.commands.{verb}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=verb, rich_help_panel=panel)
        else:
            app.command(rich_help_panel=panel)(getattr(module, verb))


def main() -> None:
    """Run a command. A failure ends as what, where, what to do; a stack trace only with `--debug`."""
    os.umask(PRIVATE)
    for_programs = options.asked_for(options.JSON, sys.argv[1:])
    try:
        command = options.share(typer.main.get_command(app))
        # In standalone mode Typer prints wrong usage in its own words, else it raises.
        sys.exit(command(prog_name="finexpert", standalone_mode=not for_programs) or ExitCode.OK)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:
        if options.asked_for(options.DEBUG, sys.argv[1:]):
            raise
        known = explain(error) or UserError(
            f"{type(error).__name__}: {error}",
            where="finexpert (this should not happen)",
            fix=f"Repeat with {options.DEBUG} to see where it comes from.",
        )
        from finexpert.views.display import print_error

        print_error(known, json=for_programs)
        sys.exit(known.code)
