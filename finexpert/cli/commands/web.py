"""`finexpert web`: the page for people who do not use terminals, on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from finexpert.cli.commands.common import Json, open_deployment


def web(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    json: Json = False,
) -> None:
    """Serve a page on this machine: ask, wake and sleep the endpoint, watch money and runs. Ctrl-C ends it.

    Only this machine can reach it, and only with the address it prints, which holds a key.

    Example: finexpert web --port 8765
    """
    import webbrowser

    from finexpert.views import display
    from finexpert.web import local

    def ready(address: str) -> None:
        if json:
            display.print_json({"url": address})
        else:
            display.console().print(f"[green]●[/] {address}", soft_wrap=True)
            display.console(stderr=True).print("[dim]Ctrl-C ends it[/]")
        if browser:
            webbrowser.open(address)

    local.serve(open_deployment(context), port=port, ready=ready)
