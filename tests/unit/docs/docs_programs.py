"""Does a program take a command? Asked of the programs themselves, without running them."""

import importlib.util
import itertools
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import typer
from botocore import xform_name

from finexpert.cli import main as cli
from finexpert.cli import options
from infra.settings import READERS
from tests.unit.docs.docs_pages import ROOT, Command

FLAG = re.compile(r"([a-z_]+)=(.*)", re.S)


@cache
def finexpert() -> Any:
    """The command line as a tree of commands."""
    return options.share(typer.main.get_command(cli.app))


def check_finexpert(words: list[str], *, mention: bool = False) -> None:
    """`words` parse; a mention in the prose may leave arguments out."""
    command = finexpert()
    check_settings(words)
    while hasattr(command, "commands") and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    if words == ["--help"]:
        return
    if hasattr(command, "commands"):
        # Only looked up: --install-completion does its work while it is parsed.
        known = {name for option in command.params for name in option.opts}
        for word in words:
            assert word.startswith("-"), f"there is no verb {word}"
            assert word in known, f"{command.name} has no {word}"
        return
    try:
        command.make_context(command.name, list(words))
    except Exception as error:
        if not (mention and type(error).__name__ == "MissingParameter"):
            raise AssertionError(f"{command.name} {' '.join(words)}: {error}") from error


def check_settings(words: list[str]) -> None:
    """What follows each `-c` is a setting and a value that it may have."""
    for flag, pair in itertools.pairwise(words):
        if flag == "-c":
            check_setting(pair)


def check_setting(pair: str) -> None:
    """`-c key=value` names a setting that can be read."""
    found = FLAG.fullmatch(pair)
    assert found, pair
    assert found[1] in READERS, f"there is no setting {found[1]}"
    READERS[found[1]](found[2])


def check_make(words: list[str]) -> None:
    """Targets and variables that the Makefile has."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in words:
        variable, equals, _ = word.partition("=")
        if equals:
            assert f"$({variable})" in makefile, f"the Makefile has no {variable}"
        else:
            assert re.search(rf"^{re.escape(word)}:", makefile, re.M), f"the Makefile has no target {word}"


@cache
def cdk_commands() -> dict[str, Any]:
    """The CDK CLI's own registry of commands and options."""
    file = ROOT / "node_modules" / "aws-cdk" / "lib" / "cli" / "cli-type-registry.json"
    registry: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return registry


def check_cdk(words: list[str]) -> None:
    """A verb of the CDK CLI, its options, and settings that there are."""
    verb, *rest = words
    registry = cdk_commands()
    known = registry["globalOptions"] | registry["commands"][verb].get("options", {})
    aliases = {alias for option in known.values() for alias in option.get("alias", ())}
    named = {"--" + name for name in known} | {"-" + alias for alias in aliases}
    for word in rest:
        if word.startswith("-"):
            assert word in named, f"cdk {verb} has no {word}"
    check_settings(rest)


def check_python(words: list[str]) -> None:
    """A module or a file that is there, and options that stand in its source."""
    if words[0] == "-m":
        spec = importlib.util.find_spec(words[1])
        assert spec is not None, f"there is no module {words[1]}"
        return
    source = (ROOT / words[0]).read_text(encoding="utf-8")
    for option in words[1:]:
        assert not option.startswith("--") or f'"{option}"' in source, f"{words[0]} has no {option}"


def check_aws(words: list[str]) -> None:
    """An operation of AWS's API, with parameters that it has."""
    service, operation, *rest = words
    model = botocore.session.get_session().get_service_model(service)
    shape = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in shape, f"{service} has no {operation}"
    members = model.operation_model(shape[operation]).input_shape.members
    for word in rest:
        if word.startswith("--"):
            name = word.removeprefix("--").removeprefix("no-")
            assert name in {xform_name(member, "-") for member in members}, word


def check(command: Command, *, mention: bool = False) -> None:
    """Raises:
    AssertionError: the command's program would not take it, or no check knows the program.
    """
    program, *words = command.words
    if program == "finexpert":
        check_finexpert(words, mention=mention)
    elif program == "make":
        check_make(words)
    elif program == "cdk":
        check_cdk(words)
    elif program == "aws":
        check_aws(words)
    elif program == "python":
        check_python(words)
    elif program == "pytest":
        assert (ROOT / words[0]).exists(), f"there is no {words[0]}"
    elif program == "torchrun":
        check_python(words[words.index("-m") :])
    elif program == "source":
        assert Path(words[0]).parts[0] in (ROOT / "Makefile").read_text(encoding="utf-8")
    else:
        assert program == "export", f"no test knows what to make of {command.text}"
