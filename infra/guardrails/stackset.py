"""Guardrails for other accounts: `python -m infra.guardrails.stackset --assets-account 111122223333`.

Prints the synthesized template with two changes, so that a StackSet can deploy it into accounts never
bootstrapped: the code comes from one account's CDK asset bucket, and the check for a bootstrap is gone.
docs/reaper.md has the steps around it.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

OWN_ACCOUNT = "${AWS::AccountId}"
BOOTSTRAP = "BootstrapVersion"
BOOTSTRAP_RULE = "CheckBootstrapVersion"


def self_contained(template: dict[str, Any], assets_account: str) -> dict[str, Any]:
    """The template for any account; `assets_account` is where `cdk deploy` has published the code.

    Raises:
        ValueError: the template still needs something of the account that it was made in.
    """
    changed: dict[str, Any] = _with_assets_of(template, assets_account)
    changed["Parameters"] = {k: v for k, v in template.get("Parameters", {}).items() if k != BOOTSTRAP}
    changed["Rules"] = {k: v for k, v in template.get("Rules", {}).items() if k != BOOTSTRAP_RULE}
    changed = {key: value for key, value in changed.items() if value}
    imports = json.dumps(changed).count('"Fn::ImportValue"')
    if changed.get("Parameters") or imports:
        raise ValueError("The template has parameters or imports that other accounts cannot fill.")
    return changed


def _with_assets_of(value: Any, account: str) -> Any:
    if isinstance(value, dict):
        if set(value) == {"Fn::Sub"} and str(value["Fn::Sub"]).startswith("cdk-"):
            return value["Fn::Sub"].replace(OWN_ACCOUNT, account)
        return {key: _with_assets_of(part, account) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_assets_of(part, account) for part in value]
    return value


def main() -> None:
    """Print the template of the last synth."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--assets-account", required=True, help="account whose asset bucket holds the code")
    parser.add_argument("--output", default="cdk.out", help="the cloud assembly (default %(default)s)")
    given = parser.parse_args()
    found = sorted(Path(given.output).glob("*-Guardrails.template.json"))
    if len(found) != 1:
        sys.exit(f"{given.output} holds no Guardrails template: run `cdk synth` first.")
    template = json.loads(found[0].read_text(encoding="utf-8"))
    print(json.dumps(self_contained(template, given.assets_account), indent=1))


if __name__ == "__main__":
    main()
