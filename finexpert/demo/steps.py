"""The demo's steps, in order. Each calls what the commands call, and returns its result in a sentence."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.text import Text

from core.aws.s3 import S3Address
from core.names import PROMPTS
from finexpert import paths
from finexpert.demo import cdk, children, reaping
from finexpert.demo.benchmark import benchmark
from finexpert.demo.cdk import show_events
from finexpert.demo.stage import Stage
from finexpert.errors import UserError
from finexpert.service.account import leftovers
from finexpert.service.asking import chat, inference
from finexpert.service.deployment import STACKS
from finexpert.service.evaluation import results
from finexpert.service.runs import base_model, datasets, executions, follow
from finexpert.text import duration, size
from finexpert.views.answers import heading, side_by_side
from finexpert.views.display import Live
from finexpert.views.run import before_after, follow_live
from infra.settings import Settings
from localcloud import lifecycle


@dataclass(frozen=True)
class Step:
    """A named part of the demo.

    Args:
        needs_model: left out when the quality gate refused the model.
        needs_end: left out with `--keep`.
    """

    title: str
    do: Callable[[Stage, Live], str]
    needs_model: bool = False
    needs_end: bool = False


def check_data(stage: Stage, live: Live) -> str:
    """Check the user's data before anything is started."""
    stage.base_folder = stage.base.folder(paths.LOCAL_STATE, lambda text: live.line(f"  {text}"))
    settings = Settings.load(environ={"FINEXPERT_SETTINGS": str(paths.LOCAL_SETTINGS)})
    hyperparameters = {**settings.hyperparameters, **stage.base.hyperparameters}
    # The base's own tokenizer: it needs more tokens for a text than the estimate, made for Llama 2.
    counter = datasets.token_counter(stage.base_folder)
    report = datasets.check(stage.data, hyperparameters, counter=counter)
    datasets.require_usable(report, stage.data)
    for warning in report.warnings:
        live.line(Text(f"  ! {warning}", style="yellow"))
    return report.sentence


def start_cloud(stage: Stage, live: Live) -> str:
    """Start the embedded cloud, as strict as AWS, and begin to synthesize the app beside it."""
    # The cloud ends with its owner, so even a killed demo leaves nothing. One that is kept outlives it.
    options = lifecycle.CloudOptions(auth=True, tls=True, owner_pid=0 if stage.keep else os.getpid())
    stage.cloud = lifecycle.up(stage.folder.cloud, options=options)
    stage.synthesis = stage.background.submit(_synthesize, stage)
    return (
        f"{stage.cloud.endpoint_url}, process {stage.cloud.pid}, {stage.cloud.health()['memory_mb']:.0f} MB"
    )


def _synthesize(stage: Stage) -> float:
    begin = time.monotonic()
    stage.cdk.synth(lambda _: None)
    return time.monotonic() - begin


def bootstrap_cloud(stage: Stage, live: Live) -> str:
    """`cdk bootstrap`: the bucket and roles that the CDK deploys through."""
    environment = stage.deployment.target.environment
    account, region_name = environment["CDK_DEFAULT_ACCOUNT"], environment["CDK_DEFAULT_REGION"]
    stage.cdk.bootstrap(account, region_name, show_events(live))
    return f"account {account}, {region_name}"


def synthesize(stage: Stage, live: Live) -> str:
    """`cdk synth`, begun two steps ago; the app is the production app, only the settings are local."""
    assert stage.synthesis is not None
    live.update("synthesizing …", "")
    return f"took {duration(stage.synthesis.result())}, beside the steps before"


def deploy(stage: Stage, live: Live) -> str:
    """`cdk deploy --all` with the real CDK CLI."""
    stage.cdk.deploy(show_events(live))
    names = stage.deployment.names
    return ", ".join(names.stack(part) for part in STACKS)


def upload(stage: Stage, live: Live) -> str:
    """Upload base weights and dataset to the app's data bucket."""
    s3, bucket = stage.deployment.target.client("s3"), stage.deployment.data_bucket
    weights = base_model.upload(s3, folder=stage.base_folder, location=S3Address(bucket, base_model.PREFIX))
    stage.dataset = datasets.upload(s3, bucket=bucket, path=stage.data)
    return f"{size(weights)} of base weights, and {stage.dataset}"


def fine_tune(stage: Stage, live: Live) -> str:
    """Run the state machine, from the dataset to the awake endpoint, and follow it."""
    deployment = stage.deployment
    run = executions.start(
        deployment,
        dataset=stage.dataset,
        hyperparameters=stage.base.hyperparameters,
        wake=True,
        now=_now(),
    )
    live.line(f"  run [bold]{run}[/]")
    stage.snapshot = follow_live(deployment, run, live)
    follow.require_success(stage.snapshot)
    stage.evaluation = results.of_run(deployment, run)
    trained = stage.snapshot.progress
    return f"{trained.steps} optimizer steps on {trained.tokens_seen:,} tokens"


def _now() -> datetime:
    return datetime.now(UTC)


def quality_gate(stage: Stage, live: Live) -> str:
    """Show the job's measurements on text it had not seen, the gate's decision, and the registered model."""
    assert stage.snapshot is not None
    live.line(f"  {before_after(stage.evaluation)}")
    sentence = stage.snapshot.output.get("evaluation", {}).get("sentence")
    if sentence:
        live.line(f"  {sentence}")
    package = results.newest_package(stage.deployment)
    live.line(f"  model package {package.name}: {package.approval}")
    if stage.rejected:
        return "refused, so Hosting stays asleep"
    return "accepted, and Hosting woken through its stack parameter"


def ask(stage: Stage, live: Live) -> str:
    """The four prompts, base beside tuned, through InvokeEndpoint; then a turn of chat where the base can."""
    inference.require_awake(stage.deployment)
    parameters = inference.generation(stage.base.answer_tokens, 0.0, 0)
    for prompt in PROMPTS:
        answers = inference.ask(stage.deployment, prompt, parameters)
        stage.answers.append(answers)
        live.line(side_by_side(prompt, {heading(answer): answer.text for answer in answers}))
    if question := stage.base.question:
        stage.said = chat.say(stage.deployment, chat.begin(stage.deployment), question, parameters)
        live.line(side_by_side(question, {heading(answer): answer.text for answer in stage.said}))
        return f"{len(PROMPTS)} prompts and a turn of chat, two models on one endpoint"
    live.line(
        "  [dim]A model this small writes nonsense either way: the held-out figures above are what counts.[/]"
    )
    return f"{len(PROMPTS)} prompts, two models on one endpoint"


def wait_for_reaper(stage: Stage, live: Live) -> str:
    """Wait until the deployed reaper, on its schedule, has put the idle endpoint to sleep."""
    created = inference.endpoint_created(stage.deployment)
    reaping.wait(stage.deployment, live, asked=_now())
    stage.awake_seconds = (_now() - created).total_seconds()
    return f"put to sleep by the scheduled reaper; it was awake for {duration(stage.awake_seconds)}"


def destroy(stage: Stage, live: Live) -> str:
    """`cdk destroy --all`, and the bootstrap stack, which the CDK CLI leaves."""
    stage.cdk.destroy(show_events(live))
    cdk.remove(stage.deployment.target)
    return "all five stacks, and CDK's own bootstrap stack"


def prove(stage: Stage, live: Live) -> str:
    """Show that the account holds nothing any more, and that no process still runs."""
    stage.leftovers = leftovers.find(stage.deployment.target.client)
    lifecycle.down(stage.folder.cloud)
    stage.leftovers["processes on this machine"] = children.left_of_folder(stage.folder.path)
    left = {kind: names for kind, names in stage.leftovers.items() if names}
    if left:
        listed = "\n".join(f"· {kind}: {', '.join(names)}" for kind, names in left.items())
        raise UserError(f"Something is left after cdk destroy:\n{listed}", where=str(stage.folder.log))
    for kind in stage.leftovers:
        live.line(f"  {0:>3}  {kind}")
    return "nothing that bills, and nothing that runs"


def stop(stage: Stage, live: Live) -> str:
    """Stop the embedded cloud and all that runs on it."""
    lifecycle.down(stage.folder.cloud)
    left = children.left_of_folder(stage.folder.path)
    if left:
        raise UserError(f"Still running: {', '.join(left)}", where=str(stage.folder.log))
    return "nothing is left running"


STEPS = (
    Step("Check the data", check_data),
    Step("Start an embedded cloud", start_cloud),
    Step("Bootstrap it for the CDK", bootstrap_cloud),
    Step("Synthesize the production app", synthesize),
    Step("Deploy its five stacks", deploy),
    Step("Upload base weights and data", upload),
    Step("Fine-tune, follow, serve", fine_tune),
    Step("Held-out result and quality gate", quality_gate),
    Step("Ask the live endpoint: base beside tuned", ask, needs_model=True),
    Step("Wait for the idle reaper", wait_for_reaper, needs_model=True, needs_end=True),
    Step("Destroy everything", destroy, needs_end=True),
    Step("Prove that nothing is left", prove, needs_end=True),
)
_UNTIL_SERVED = 8
BENCHMARK_STEPS = (
    *STEPS[:_UNTIL_SERVED],
    Step("Benchmark: tuned and base beside three others", benchmark, needs_model=True),
    Step("Stop the embedded cloud", stop, needs_end=True),
)
