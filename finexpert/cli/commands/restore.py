"""`finexpert restore NAME`: make an endpoint again that the idle reaper deleted."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from finexpert.cli.commands.common import Json, open_deployment
from finexpert.errors import UserError
from finexpert.views import display


def restore(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of the endpoint that was deleted.")],
    json: Json = False,
) -> None:
    """Make a deleted endpoint again from its snapshot: configuration, components, scaling, tags.

    It bills from then on. The app's own endpoint comes back with `finexpert wake` instead.

    Example: finexpert restore my-endpoint
    """
    from finexpert.service.endpoint import restore

    deployment = open_deployment(context)
    if name == deployment.names.endpoint:
        raise UserError(
            f"{name} is the app's own endpoint: it was put to sleep, not deleted.", fix="finexpert wake"
        )
    bucket = deployment.output("Guardrails", "AuditBucketName")
    restore.restore(
        deployment.target.client,
        lambda region: lambda service: deployment.target.client(service, region),
        bucket,
        name,
        datetime.now(UTC),
        lambda step: display.say(f"  {step}", stderr=True),
    )
    display.result({"endpoint": name, "restored": True}, f"[green]✓[/] {name} is back, and bills", json=json)
