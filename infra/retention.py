"""What the setting `retain_data` keeps when its stack is destroyed, and how people are told."""

from __future__ import annotations

from aws_cdk import Tags
from constructs import Construct

from core.names import RETAINED_TAG, Names

SETTING = "retain_data"


def keep(construct: Construct) -> None:
    """Mark what stays, so that `finexpert leftovers` knows that it stays on purpose."""
    Tags.of(construct).add(RETAINED_TAG, SETTING)


def notice(names: Names, *, own_key: bool) -> str:
    """For whoever runs the app, `cdk destroy` too: what stays, why, and how it goes."""
    key = ", and the key that encrypts them" if own_key else ""
    return (
        f"{SETTING} is true: cdk destroy keeps the buckets {names.name}-data-…, {names.name}-artifacts-… and"
        f" {names.name}-audit-…{key}: your text, your models, and what finexpert restore needs."
        f" {names.stack('Storage')} is protected from deletion (docs/settings.md says how to lift that)."
        " S3 bills what the buckets hold. finexpert leftovers lists what was kept."
    )
