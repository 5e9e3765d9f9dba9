"""The CDK app: `cdk deploy --all -c accept_eula=true -c alert_email=you@example.com` (docs/settings.md)."""

from __future__ import annotations

import os
import sys
from typing import Any

from aws_cdk import App

from infra.assets import staged
from infra.base_weights import resolve
from infra.retention import notice
from infra.settings import Settings, SettingsError, flags_of
from infra.stacks import build


def sagemaker(region: str) -> Any:
    """A client of SageMaker that gives up soon: `cdk ls` and `cdk destroy` wait for it too."""
    import boto3
    from botocore.config import Config

    soon = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})
    return boto3.client("sagemaker", region_name=region, config=soon)


def main(outdir: str | None = None) -> int:
    """Synthesize the app; print all problems of the settings and make nothing if there are any.

    `outdir` is where to; without it, where the CDK CLI wants it.
    """
    app = App(
        outdir=outdir,
        # Else CDK writes an empty assembly even after an error.
        auto_synth=False,
        # It only warns, and takes longer than all else; tests/snapshot lints the templates instead.
        builtin_cloud_formation_validation=False,
    )
    try:
        settings = Settings.load(flags_of(app.node.get_all_context()))
        settings, note = resolve(settings, os.environ, sagemaker)
        with staged(web=settings.web) as assets:
            build(app, settings, assets, account=os.environ.get("CDK_DEFAULT_ACCOUNT"))
        if note:
            note.show(app.node.find_child(settings.names.stack("Training")))
        if settings.retain_data:
            print(notice(settings.names, own_key=settings.customer_managed_key), file=sys.stderr)
    except SettingsError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
