"""Each documented command fits the program it is for, and each is in the table of how it is tested."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import docs_pages
import pytest
import typer
from botocore import xform_name
from docs_pages import ROOT, Command
from docs_table import ON_THE_APP, ONLY_PARSED, STEP_BY_STEP, TRAINED

from finexpert import cli, options
from infra.setting_checks import READERS

ALL = [command for page in docs_pages.pages() for command in docs_pages.commands(page)]
INLINE = [
    Command(docs_pages.name(page), text)
    for page in docs_pages.pages()
    for text in docs_pages.inline(page)
    if "…" not in text
]
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
    if words == ["--help"] or (hasattr(command, "commands") and not words):
        return
    # A group that is given no verb of its own takes nothing but options.
    assert not hasattr(command, "commands") or words[0].startswith("-"), f"there is no verb {words[0]}"
    try:
        command.make_context(command.name, list(words), resilient_parsing=hasattr(command, "commands"))
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


@pytest.mark.parametrize("command", ALL, ids=lambda command: f"{command.page}: {command.text}")
def test_a_documented_command_is_one_that_the_program_takes(command):
    check(command)


@pytest.mark.parametrize(
    "command", sorted(set(INLINE), key=str), ids=lambda command: f"{command.page}: {command.text}"
)
def test_a_command_that_the_prose_names_is_one_that_the_program_takes(command):
    check(command, mention=True)


def test_every_documented_command_is_in_the_table_and_nothing_else_is():
    documented = {command.text for command in ALL}
    table = {*ON_THE_APP, *STEP_BY_STEP, *TRAINED, *ONLY_PARSED}
    inline = {command.text for command in INLINE}
    assert documented - table == set(), "say in docs_table.py how these are tested"
    assert table - documented - inline == set(), "no page names these any more"
    assert not ({*ON_THE_APP, *STEP_BY_STEP, *TRAINED} & ONLY_PARSED.keys())


def test_the_session_of_the_readme_is_the_one_that_is_run():
    sessions = docs_pages.command_blocks(ROOT / "README.md")
    assert [command.text for command in sessions[2]] == list(STEP_BY_STEP)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("finexpert fly", "no verb fly"),
        ("finexpert runs show", "Missing parameter: run"),
        ("finexpert train x --loud", "No such option"),
        ("finexpert plan -c colour=red", "no setting colour"),
        ("make coffee", "no target coffee"),
        ("make demo TEXT=x", "no TEXT"),
        ("cdk deploy --everything", "no --everything"),
        ("cdk deploy -c spott=true", "no setting spott"),
        ("aws iam detach-rope", "no detach-rope"),
        ("python bench/spend.py --fast", "no --fast"),
        ("pytest tests/units", "no tests/units"),
        ("brew install", "no test knows"),
    ],
)
def test_a_wrong_command_is_noticed(wrong, said):
    with pytest.raises(AssertionError, match=said):
        check(Command("a page", wrong))


def test_a_block_is_read_as_a_shell_reads_it(tmp_path, monkeypatch):
    monkeypatch.setattr(docs_pages, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        """Text
   ```console
   $ A=b finexpert config   # why
   said
   more
   $ finexpert runs
   ```
```
eval "$(finexpert local up)" && make test
```
```
just data
```
""",
        encoding="utf-8",
    )
    assert [(command.text, command.printed) for command in docs_pages.commands(page)] == [
        ("A=b finexpert config", "said\nmore"),
        ("finexpert runs", ""),
        ("finexpert local up", ""),
        ("make test", ""),
    ]
    redirected = Command("page.md", "A=b python -m tools.architecture cdk.out > x.svg")
    assert redirected.words == ["python", "-m", "tools.architecture", "cdk.out"]
