"""`finexpert config`: every setting, its value, and the place that it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finexpert.cli.commands.common import Json, chosen_target

if TYPE_CHECKING:
    from finexpert.service.target import Target

DEFAULTS = "cdk.json"


def config(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY]…", help="Only these settings.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Every setting with its value, and which place won: cdk.json, a file, the environment or -c.

    Nothing is asked of any cloud. Example: finexpert config budget_usd spot -c budget_usd=40
    """
    from finexpert.views import display

    target = chosen_target(context)
    shown = chosen(rows(target), names or [])
    if json:
        display.print_json({name: {"value": value, "from": place} for name, (value, place) in shown.items()})
        return
    from rich.markup import escape
    from rich.table import Table

    display.console(stderr=True).print(f"[dim]{where(target)}[/]", soft_wrap=True)
    table = Table("setting", "value", "from", box=None, header_style="dim")
    for name, (value, place) in shown.items():
        changed = place != DEFAULTS
        table.add_row(name, escape(as_text(value)), f"[bold]{escape(place)}[/]" if changed else place)
    display.console().print(table)


def where(target: Target) -> str:
    """Which cloud the settings are for; unlike `Target.describe` it needs no credentials."""
    return f"for the embedded cloud {target.endpoint_url}" if target.is_local else "for AWS"


def rows(target: Target) -> dict[str, tuple[Any, str]]:
    """(value, place) by setting; each hyperparameter is one, `hyperparameters.NAME`.

    Raises:
        infra.settings.SettingsError: some cannot be used; its lines tell the places too.
    """
    from dataclasses import asdict

    from infra.settings import origins

    values = asdict(target.settings())
    inner = values.pop("hyperparameters")
    values |= {f"hyperparameters.{name}": value for name, value in inner.items()}
    places = origins(target.flags, target.environment)
    return {name: (value, _short(places[name])) for name, value in values.items()}


def chosen(shown: dict[str, tuple[Any, str]], names: list[str]) -> dict[str, tuple[Any, str]]:
    """Those of `names`, in the order of the settings; `hyperparameters` is all of them.

    Raises:
        typer.BadParameter: there is no such setting.
    """
    for name in names:
        if not any(_belongs(key, name) for key in shown):
            raise typer.BadParameter(f"there is no setting {name!r}: finexpert config lists them")
    return {key: row for key, row in shown.items() if not names or any(_belongs(key, n) for n in names)}


def _belongs(key: str, name: str) -> bool:
    return key == name or key.startswith(f"{name}.")


def as_text(value: Any) -> str:
    """A value as it is written in the environment or after `-c`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _short(place: str) -> str:
    """A path as seen from here, where that is shorter."""
    path = Path(place)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        return str(path.relative_to(Path.cwd()))
    return place
