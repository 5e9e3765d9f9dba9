"""The CDK app: `cdk synth -c accept_eula=true -c alert_email=you@example.com`. Settings: docs/settings.md."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from infra.settings import Settings, SettingsError

# Other keys in the context are CDK's own: they have dashes, colons or slashes.
_SETTING = re.compile(r"[a-z][a-z0-9_]*")


def flags(context: dict[str, Any]) -> dict[str, Any]:
    """The settings among the context, that is what `-c key=value` gave."""
    return {key: value for key, value in context.items() if _SETTING.fullmatch(key) and key != "finexpert"}


def main() -> int:
    """Synthesize; wrong settings are told, all at once, before anything is made."""
    from aws_cdk import App

    from infra.assets import staged
    from infra.stacks import build

    app = App()
    try:
        settings = Settings.load(flags(app.node.get_all_context()), deploying=True)
        with staged() as assets:
            build(app, settings, assets, account=os.environ.get("CDK_DEFAULT_ACCOUNT"))
    except SettingsError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
