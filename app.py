"""The CDK app: `cdk deploy --all -c accept_eula=true -c alert_email=you@example.com` (docs/settings.md)."""

from __future__ import annotations

import os
import sys

from aws_cdk import App

from core.names import Names
from infra.assets import staged
from infra.retention import notice
from infra.settings import Settings, SettingsError, flags_of
from infra.stacks import build


def main() -> int:
    """Synthesize; wrong settings are told, all at once, before anything is made."""
    app = App(
        # Else CDK writes an empty assembly even after an error.
        auto_synth=False,
        # It only warns, and takes longer than all else; tests/snapshot lints the templates instead.
        builtin_cloud_formation_validation=False,
    )
    try:
        settings = Settings.load(flags_of(app.node.get_all_context()))
        with staged(web=settings.web) as assets:
            build(app, settings, assets, account=os.environ.get("CDK_DEFAULT_ACCOUNT"))
        if settings.retain_data:
            names = Names(project=settings.prefix, region=settings.region)
            print(notice(names, own_key=settings.customer_managed_key), file=sys.stderr)
    except SettingsError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
