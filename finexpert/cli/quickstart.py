"""The steps from a fresh checkout to the first answer on this machine, or to a deployed app on AWS.

Every step first looks whether it is done, in the cloud itself. So it can be left at any time, and the same
command goes on where it stopped. Of the person's own choices the settings file keeps two: mail and licence.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.aws.errors import if_there
from core.names import BILLING_REGION, PROMPTS
from finexpert import paths
from finexpert.demo.cdk import Cdk, show_events
from finexpert.demo.children import Children
from finexpert.doctor import Check, Verdict, account, app, examine
from finexpert.errors import ExitCode, NothingToServe, UserError
from finexpert.service import deployment as deployments
from finexpert.service.asking import inference
from finexpert.service.deployment import Deployment
from finexpert.service.endpoint import artifacts, switch
from finexpert.service.runs import base_model, datasets, executions, follow
from finexpert.service.target import Target
from finexpert.views import answers, endpoint
from finexpert.views import run as run_view
from finexpert.views.display import Live, written

CDK_VERSION = "/cdk-bootstrap/{}/version"
QUALIFIER = "hnb659fds"
"""CDK's own, where the setting `cdk_qualifier` names no other."""


@dataclass
class Walk:
    """The state that the steps share.

    Args:
        target: the cloud.
        data: what the first run is trained on, on the embedded cloud.
        waiting: what AWS must still do or allow, with what to do about it.
    """

    target: Target
    data: Path
    live: Live
    children: Children = field(default_factory=Children)
    waiting: list[str] = field(default_factory=list)

    @property
    def deployment(self) -> Deployment:
        """The app as it stands now."""
        return deployments.find(self.target)

    @property
    def cdk(self) -> Cdk:
        """The CDK CLI on the cloud."""
        folder = paths.state() / "quickstart"
        folder.mkdir(parents=True, exist_ok=True)
        return Cdk(self.target.environment, folder / "cdk.out", folder / "cdk.log", self.children)


@dataclass(frozen=True)
class Step:
    """A step; `do` returns its result in words. `local_only`: left out on AWS, which would bill for it."""

    title: str
    do: Callable[[Walk], str]
    local_only: bool = False


def credentials(walk: Walk) -> str:
    """Check who acts, and in which account and region.

    Raises:
        UserError: AWS takes no credentials from this shell, or the region is another one.
    """
    for name, check in {"credentials": account.credentials, "region": account.region}.items():
        finding = examine(walk.deployment, {name: check})[name]
        if finding.verdict is Verdict.BAD:
            raise UserError(finding.said, where=name, fix=f"{finding.fix} Then: finexpert quickstart")
    return walk.target.describe()


def waits(checks: Mapping[str, Check]) -> Callable[[Walk], str]:
    """A step that only notes what AWS must still do; the deploy does not wait for it."""

    def look(walk: Walk) -> str:
        findings = examine(walk.deployment, checks)
        for name, finding in findings.items():
            if finding.verdict is not Verdict.GOOD:
                walk.waiting.append(f"{name}: {finding.said}. {finding.fix}".strip())
        return "; ".join(finding.said for finding in findings.values())

    return look


def bootstrap(walk: Walk) -> str:
    """Make the bucket and roles that the CDK deploys through, in the app's region and the billing region.

    Raises:
        UserError: an organization's own bootstrap is missing, which only its administrators can make.
    """
    settings = walk.deployment.settings
    qualifier = settings.cdk_qualifier or QUALIFIER
    done = []
    for region in dict.fromkeys((settings.region, BILLING_REGION)):
        if _bootstrapped(walk.target, qualifier, region):
            continue
        if settings.cdk_qualifier:
            raise UserError(
                f"The CDK bootstrap {qualifier} is missing in {region}.",
                where="setting cdk_qualifier",
                fix="Ask your organization's administrators for it. Then: finexpert quickstart",
            )
        number = walk.target.client("sts").get_caller_identity()["Account"]
        walk.cdk.bootstrap(number, region, show_events(walk.live))
        done.append(region)
    return f"made in {' and '.join(done)}" if done else "was there"


def _bootstrapped(target: Target, qualifier: str, region: str) -> bool:
    ssm, name = target.client("ssm", region), CDK_VERSION.format(qualifier)
    return if_there(lambda: ssm.get_parameter(Name=name)) is not None


def deployed(deployment: Deployment) -> bool:
    """Whether all stacks of the app are there and whole."""
    return app.stacks(deployment).verdict is Verdict.GOOD


def deploy(walk: Walk) -> str:
    """Deploy all stacks with the real CDK CLI."""
    if deployed(walk.deployment):
        return "was there"
    walk.live.update("synthesizing …", "  synthesizing")
    walk.cdk.synth(lambda _: None)
    walk.cdk.deploy(show_events(walk.live))
    return "five stacks; the endpoint is asleep"


def weights(walk: Walk) -> str:
    """Upload the practice model, where the app expects weights of your own and has none yet."""
    deployment = walk.deployment
    location = base_model.location(deployment)
    if not deployment.settings.own_weights:
        return "not needed"
    s3, config = deployment.target.client("s3"), location / "config.json"
    if s3.list_objects_v2(Bucket=config.bucket, Prefix=config.key, MaxKeys=1).get("Contents"):
        return "were there"
    base_model.upload(s3, folder=paths.BASE_MODEL, location=location)
    return "the practice model of this checkout"


def train(walk: Walk) -> str:
    """Train on the data, unless a run was accepted already or still trains.

    Raises:
        UserError: the run failed, or the quality gate refused the model.
    """
    deployment = walk.deployment
    try:
        return f"was there: {artifacts.newest(deployment)}"
    except NothingToServe:
        pass
    running = [each for each in executions.newest_entries(deployment, limit=1) if each["status"] == "RUNNING"]
    if running:
        run = str(running[0]["name"])
    else:
        dataset, _ = datasets.ready(deployment, str(walk.data), {})
        run = executions.start(
            deployment, dataset=dataset, hyperparameters={}, wake=False, now=datetime.now(UTC)
        )
        walk.live.line(f"  run {run} on {dataset}")
    snapshot = run_view.follow_live(deployment, run, walk.live)
    follow.require_success(snapshot)
    if snapshot.output.get("outcome") != "accepted":
        raise UserError(
            f"The quality gate refused {run}.",
            where=run,
            fix=f"Read why: finexpert runs report {run}. Serve it anyway: finexpert wake {run} --refused",
            code=ExitCode.GATE,
        )
    return f"{run}, accepted by the quality gate"


def ask(walk: Walk) -> str:
    """Wake both models, and ask them the first prompt."""
    deployment = walk.deployment
    switch.wake(deployment, None, progress=endpoint.show_progress(walk.live))
    found = inference.ask(deployment, PROMPTS[0], inference.generation(32, 0.0, 0))
    walk.live.line(answers.side_by_side(PROMPTS[0], {answers.heading(each): each.text for each in found}))
    return "both models answer; the practice model's sentences mean nothing"


STEPS = (
    Step("Credentials", credentials),
    Step("Instance quotas", waits({"instance quotas": account.quotas})),
    Step("Billing alerts", waits({"billing alerts": account.billing_alerts})),
    Step("Bootstrap", bootstrap),
    Step("Deploy", deploy),
    Step("Alert mail", waits({"alert mail": account.alert_mail})),
    Step("Base weights", weights, local_only=True),
    Step("Train", train, local_only=True),
    Step("Ask", ask, local_only=True),
)


def write_settings(target: Target, wanted: Mapping[str, Any]) -> Path:
    """Write settings into the file that they are read from, whole or not at all; returns the file.

    That is FINEXPERT_SETTINGS, else cdk.json.

    Raises:
        infra.settings.SettingsError: a value cannot be used; nothing is written.
        UserError: the file is no JSON object.
    """
    file = Path(target.environment.get("FINEXPERT_SETTINGS") or paths.ROOT / "cdk.json")
    replace(target, flags={name: written(value) for name, value in wanted.items()}).settings()
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        inner = document["context"]["finexpert"] if file.name == "cdk.json" else document
        inner.update(wanted)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            "The settings cannot be read.", where=str(file), fix="Correct the file, or restore it from git."
        ) from error
    paths.write_whole(file, f"{json.dumps(document, indent=2, ensure_ascii=False)}\n".encode())
    return file
