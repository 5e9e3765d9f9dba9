"""`finexpert config`: every setting, its value, and the place that it comes from."""

from pathlib import Path
from typing import Annotated, Any

import typer

from finexpert.cli.commands.common import Json, chosen_target
from finexpert.service import deployment as deployments
from finexpert.service.deployment import flat
from finexpert.service.target import Target
from finexpert.views import display
from finexpert.views.display import escape

DEFAULTS = "cdk.json"


def config(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY]…", help="Only these settings.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Show every setting with its value and its source: cdk.json, a file, the environment or -c.

    Beside it stands what the deployed app has, where it can be read: the guards go by that.

    Example: finexpert config budget_usd spot -c budget_usd=40
    """
    target = chosen_target(context)
    shown = chosen(rows(target), names or [])
    deployment = deployments.find(target)
    deployed = flat(deployment.stored) if deployment.stored else {}
    if json:
        display.print_json(
            {
                name: {"value": value, "from": place, "deployed": deployed.get(name)}
                for name, (value, place) in shown.items()
            }
        )
        return
    display.say(where(target), stderr=True, style="dim")
    differences = deployment.differences
    lines = []
    for name, (value, place) in shown.items():
        where_from = escape(place) if place == DEFAULTS else f"[bold]{escape(place)}[/]"
        there = escape(display.written(deployed[name])) if deployed.get(name, value) != value else "the same"
        now = f"[yellow]{there}[/]" if name in differences else there
        lines.append([name, escape(display.written(value)), where_from, *([now] if deployed else [])])
    display.print_rows(["setting", "value", "from", *(["deployed"] if deployed else [])], lines)
    if deployment.problem:
        display.say(display.settings_note(deployment), stderr=True, markup=False)


def where(target: Target) -> str:
    """Which cloud the settings are for; unlike `Target.describe` it needs no credentials."""
    return f"for the embedded cloud {target.endpoint_url}" if target.is_local else "for AWS"


def rows(target: Target) -> dict[str, tuple[Any, str]]:
    """(value, source) by setting name; a hyperparameter is called `hyperparameters.NAME`.

    Raises:
        infra.settings.SettingsError: some cannot be used; each line names the source too.
    """
    from infra.settings import origins

    values = flat(target.settings())  # first, since it names every setting that cannot be used
    places = origins(target.flags, target.environment)
    return {name: (value, _short(places[name])) for name, value in values.items()}


def chosen(shown: dict[str, tuple[Any, str]], names: list[str]) -> dict[str, tuple[Any, str]]:
    """The settings of these names, in their usual order; `hyperparameters` is all of them.

    Raises:
        typer.BadParameter: there is no such setting.
    """
    for name in names:
        if not any(_belongs(key, name) for key in shown):
            raise typer.BadParameter(f"there is no setting {name!r}: finexpert config lists them")
    return {key: row for key, row in shown.items() if not names or any(_belongs(key, n) for n in names)}


def _belongs(key: str, name: str) -> bool:
    return key == name or key.startswith(f"{name}.")


def _short(place: str) -> str:
    """A path relative to the current folder, where it lies below it."""
    path = Path(place)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        return str(path.relative_to(Path.cwd()))
    return place
