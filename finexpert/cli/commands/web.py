"""`finexpert web`: the page for people who do not use terminals, on this machine."""

import tempfile
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from finexpert.cli.commands.common import Json, open_deployment
from finexpert.views import display

OPEN_SECONDS = 30.0
"""The time that a browser has to read the file that leads to the page."""


def web(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(
            help="By default 8760, or a free one where that is taken; 0: a free one.", max=65535, min=0
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    json: Json = False,
) -> None:
    """Serve a page on this machine: ask, wake and sleep the endpoint, watch money and runs. Ctrl-C ends it.

    Only this machine can reach it, and only with the address it prints, which holds a key.

    Example: finexpert web --port 8765
    """
    from finexpert.web import local

    def ready(address: str) -> None:
        if json:
            display.print_json({"url": address})
        else:
            display.console().print(f"[green]●[/] {address}")
            display.console(stderr=True).print("[dim]Ctrl-C ends it[/]")
        if browser:
            threading.Thread(target=open_privately, args=(address,), daemon=True).start()

    local.serve(open_deployment(context), port=port, ready=ready)


def open_privately(address: str) -> None:
    """Open an address that holds a key, through a file that only its owner can read.

    Other users of the machine can see the arguments of a browser. The file is deleted after a while.
    """
    with tempfile.TemporaryDirectory(prefix="finexpert-") as folder:  # 0700
        page = Path(folder) / "open.html"
        page.touch(mode=0o600)
        page.write_text(
            '<!doctype html><meta name="referrer" content="no-referrer">'
            f'<script>location.replace("{address}")</script>'
        )
        webbrowser.open(page.as_uri())
        threading.Event().wait(OPEN_SECONDS)
