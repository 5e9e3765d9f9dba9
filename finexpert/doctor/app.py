"""Is the app ready: the tools that deploy it, and its stacks."""

from __future__ import annotations

import shutil

from finexpert.doctor import Finding, bad, good, unknown
from finexpert.errors import UserError
from finexpert.service.deployment import STACKS, Deployment, describe_stack

TOOLS = ("node", "cdk")
DEPLOY = "Deploy it: cdk bootstrap && cdk deploy --all"


def tools(deployment: Deployment) -> Finding:
    """Can the app be deployed from here?"""
    path = deployment.target.environment.get("PATH")
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=path)]
    if missing:
        return bad(
            f"not found: {', '.join(missing)}",
            "make setup && source .venv/bin/activate && export PATH=$PWD/node_modules/.bin:$PATH",
        )
    return good(" and ".join(TOOLS))


def stacks(deployment: Deployment) -> Finding:
    """Is the app deployed, all of it and whole?"""
    states: dict[str, str] = {}
    for part in STACKS:
        try:
            states[part] = str(describe_stack(deployment, part)["StackStatus"])
        except UserError:
            continue
    if not states:
        return unknown("the app is not deployed here yet", DEPLOY)
    broken = [f"{deployment.names.stack(part)} {state}" for part, state in states.items() if _broken(state)]
    missing = [deployment.names.stack(part) for part in STACKS if part not in states]
    if broken or missing:
        said = "; ".join([*broken, *(f"{name} is missing" for name in missing)])
        return bad(said, "Read the stack's events in the console and correct what they name. " + DEPLOY)
    return good(f"all {len(STACKS)} stacks of {deployment.names.project} are deployed")


def _broken(state: str) -> bool:
    return state.endswith("_FAILED") or state.startswith("ROLLBACK_")
