"""The deploy asks AWS's public hub where the weights of `base_model` are, and says what it found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aws_cdk import Annotations
from constructs import IConstruct

from core.aws.errors import error_text
from core.endpoint import weights
from infra.settings import Settings

SIGNED_IN = "CDK_DEFAULT_ACCOUNT"
"""The CDK CLI sets it for the app where it has credentials."""


@dataclass(frozen=True)
class Note:
    """A message of the CDK CLI about the weights: `info`, `warning`, or `error`, which stops a deploy."""

    level: str
    text: str

    def show(self, scope: IConstruct) -> None:
        """Show it at synth, diff and deploy of the stack `scope`; it stops no destroy."""
        notes = Annotations.of(scope)
        if self.level == "error":
            notes.add_error(self.text)
        elif self.level == "warning":
            notes.add_warning_v2("finexpert:base_model", self.text)
        else:
            notes.add_info(self.text)


def resolve(
    settings: Settings, environ: Mapping[str, str], client: Callable[[str], Any]
) -> tuple[Settings, Note | None]:
    """The settings with the address of the weights in `base_model_uri`, and what to say about them.

    A `base_model_uri` that was set stands, and nothing is asked. Where the hub cannot be read, the address
    that public code has for the model stands, with a warning; for other models the deploy has to stop.

    Args:
        client: makes a client of SageMaker for a region.
    """
    if settings.base_model_uri:
        return settings, None
    asked = f"{settings.base_model} {settings.base_model_version}".strip()
    if not environ.get(SIGNED_IN):
        problem = "no credentials"
    else:
        try:
            found = weights.ask(client(settings.region), settings.base_model, settings.base_model_version)
        except weights.Unusable as unusable:
            return settings, Note("error", str(unusable))
        except Exception as error:  # for any of these reasons the hub does not give the address
            problem = error_text(error)
        else:
            return replace(settings, base_model_uri=found.weights), found_note(found)
    unread = f"{weights.HUB} could not be asked for {asked} ({problem})"
    if known := weights.known(settings.base_model, settings.region):
        return settings, Note("warning", f"{unread}: {known} is taken, as public code names it.")
    return settings, Note("error", f"{unread}: correct base_model, sign in, or set base_model_uri.")


def found_note(found: weights.HubModel) -> Note:
    """The hub's answer in a sentence."""
    licence = f", licence {found.licence}" if found.licence else ""
    return Note(
        "info" if found.status == "Supported" else "warning",
        f"Base weights: {found} ({found.status.lower()}), {found.weights}{licence}.",
    )
