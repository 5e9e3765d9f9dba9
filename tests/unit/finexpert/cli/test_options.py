"""The options that every verb takes."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from finexpert.cli import main as cli
from finexpert.cli import options
from finexpert.cli.options import Options
from finexpert.errors import ExitCode, UserError
from finexpert.service.target import On


def given(*arguments: str) -> Options:
    """What the options are when a verb below a group begins."""
    app, group, seen = typer.Typer(), typer.Typer(), []
    app.callback()(cli.shared)
    app.add_typer(group, name="group")

    @group.callback()
    def groups() -> None: ...

    @group.command()
    def verb(context: typer.Context) -> None:
        seen.append(options.of(context))

    command = options.share(typer.main.get_command(app))
    assert command(list(arguments), standalone_mode=False) is None
    return seen[0]


def test_they_are_taken_before_and_after_the_verb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FINEXPERT_ON", raising=False)
    assert given("group", "verb") == Options(On.AUTO, {})
    assert given("--on", "aws", "-c", "a=1", "group", "verb") == Options(On.AWS, {"a": "1"})
    assert given("group", "verb", "--on", "aws", "-c", "a=1") == Options(On.AWS, {"a": "1"})


def test_a_profile_may_be_named_before_and_after_the_verb() -> None:
    assert given("--profile", "people", "group", "verb").profile == "people"
    assert given("group", "verb", "--profile", "people").profile == "people"
    assert given("--profile", "a", "group", "verb", "--profile", "b").profile == "b"


def test_what_comes_after_the_verb_wins_and_what_is_not_given_changes_nothing() -> None:
    chosen = given("--on", "aws", "-c", "a=1", "-c", "b=2", "group", "verb", "-c", "b=3")
    assert chosen == Options(On.AWS, {"a": "1", "b": "3"})
    assert given("--on", "aws", "group", "verb", "--on", "local").on is On.LOCAL


def test_the_environment_gives_way_to_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINEXPERT_ON", "local")
    assert given("group", "verb").on is On.LOCAL
    assert given("--on", "aws", "group", "verb").on is On.AWS


def test_pairs_are_split_at_their_first_equals_sign() -> None:
    pairs = ["epoch=3", "target_modules=q_proj,v_proj", "x=a=b", "epoch=4"]
    assert options.parse_pairs(pairs, option="-p", example="epoch=3") == {
        "epoch": "4",
        "target_modules": "q_proj,v_proj",
        "x": "a=b",
    }


@pytest.mark.parametrize("pair", ["epoch", "=3", ""])
def test_what_is_no_pair_is_wrong_usage(pair: str) -> None:
    with pytest.raises(UserError, match="not of the form") as refused:
        options.parse_pairs([pair], option="-p", example="epoch=3")
    assert refused.value.code is ExitCode.USAGE
    assert refused.value.fix == "For example: -p epoch=3"


def test_a_flag_behind_two_dashes_is_text() -> None:
    assert options.asked_for("--json", ["ask", "x", "--json"])
    assert not options.asked_for("--json", ["ask", "--", "--json"])


def test_a_run_takes_no_settings_since_it_goes_by_what_was_deployed() -> None:
    done = CliRunner().invoke(cli.app, ["-c", "spot=true", "train", "reports/"], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert "cdk deploy --all -c spot=true" in done.output


def test_a_setting_from_the_command_line_reaches_the_settings() -> None:
    done = CliRunner().invoke(cli.app, ["-c", "budget_usd=nothing", "--on", "aws", "data", "check", "."])
    assert done.exception is not None
    assert 'budget_usd is "nothing" (command line)' in str(done.exception)


def verbs() -> dict[str, Any]:
    """Every verb by its whole name."""

    def below(group: Any, path: str) -> Iterator[tuple[str, Any]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from below(command, f"{path} {name}")
            else:
                yield f"{path} {name}", command

    return dict(below(options.share(typer.main.get_command(cli.app)), "finexpert"))


@pytest.mark.parametrize("name", sorted(verbs()))
def test_each_verb_teaches_by_an_example_and_serves_programs(name: str) -> None:
    command = verbs()[name]
    help_text = " ".join(command.help.split())
    assert f"Example: {name}" in help_text or f"&& {name}" in help_text or f"$({name})" in help_text
    assert {"json", "on", "settings", "debug"} <= {parameter.name for parameter in command.params}
