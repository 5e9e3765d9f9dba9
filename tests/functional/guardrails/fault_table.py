"""What can go wrong, what the user sees of it, what is tried again, and what is left.

`ROWS` is the one table: the tests carry out each row on the embedded cloud, and docs/faults.md is written
from it (`render`). A row whose `core` is True runs in `make test`, all of them in `make test-all`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.functional.guardrails import fault_actions as act
from tests.functional.guardrails.fault_actions import Told, run_ends
from tests.functional.guardrails.guarded_app import App

Fault = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that can go wrong.

    name: the row's, and its test's.
    happens: in words, for people.
    faults: what the cloud is asked for.
    carry_out: makes it happen and returns what the user read; it asserts what is particular to the row.
    sees: what must be in that.
    told: where the user sees what, in words.
    retried: in words.
    left: in words; that no job, endpoint or execution is left, and no fault unmet, is asserted for every row.
    core: in `make test` too.
    spot: on an app that is deployed for spot instances.
    """

    name: str
    happens: str
    carry_out: Callable[[App, Told], str]
    sees: str
    told: str
    retried: str
    left: str
    faults: tuple[Fault, ...] = ()
    core: bool = False
    spot: bool = False


def fault(service: str, operation: str, error: str, **more: Any) -> Fault:
    """What the cloud is asked for."""
    return {"service": service, "operation": operation, "error": error, **more}


def unharmed(*, happens: str, faults: tuple[Fault, ...], retried: str, **more: Any) -> Row:
    """A fault that a run does not feel: it ends as it would have, and the usual mail is sent."""
    usual: dict[str, Any] = {"carry_out": run_ends("SUCCEEDED", jobs=1), "sees": "Report: s3://"}
    usual |= {"told": "the usual mail", "left": "one job, billed once"}
    return Row(happens=happens, faults=faults, retried=retried, **(usual | more))


# The first object that a run writes is what admission promises it; all others come from its job.
AFTER_ADMISSION = 1
EVERY_TIME = 1_000_000  # a job tries to store its checkpoints again and again, for as long as it runs
ALWAYS = {"skip": AFTER_ADMISSION, "times": EVERY_TIME}
SETTLING = {"message": "Endpoint finexpert is Updating.", "skip": 1}
LATER, NO_CAPACITY = "come later", "Unable to provision requested ML compute capacity"
RETRY = f"{NO_CAPACITY}. Please retry using a different ML instance type."

ROWS = (
    unharmed(
        name="throttled-create-training-job",
        happens="SageMaker throttles CreateTrainingJob twice",
        faults=(fault("sagemaker", "CreateTrainingJob", "ThrottlingException", times=2),),
        retried="the state machine, twice",
        core=True,
    ),
    unharmed(
        name="sagemaker-5xx-while-waiting",
        happens="SageMaker answers 500 to three DescribeTrainingJob",
        faults=(fault("sagemaker", "DescribeTrainingJob", "InternalFailure", times=3),),
        retried="the state machine, three times",
    ),
    Row(
        name="sagemaker-down",
        happens="SageMaker answers 503 to every CreateTrainingJob",
        faults=(fault("sagemaker", "CreateTrainingJob", "ServiceUnavailable", times=5, message=LATER),),
        carry_out=run_ends("FAILED", jobs=0),
        sees=LATER,
        told="the failure mail",
        retried="the state machine, four times in half a minute",
        left="nothing; start the run again",
    ),
    unharmed(
        name="lambda-5xx",
        happens="Lambda answers 500 to two invocations by the state machine",
        faults=(fault("lambda", "InvokeFunction", "ServiceException", times=2, status=500),),
        retried="the state machine, twice",
    ),
    unharmed(
        name="s3-slow-down",
        happens="S3 answers SlowDown to three reads",
        faults=(fault("s3", "GetObject", "SlowDown", times=3),),
        retried="each reader's SDK",
    ),
    unharmed(
        name="ssm-throttled",
        happens="Parameter Store throttles the accepted model's publication twice",
        faults=(fault("ssm", "PutParameter", "ThrottlingException", times=2),),
        carry_out=run_ends("SUCCEEDED", jobs=1, max_steps="15"),
        sees="was accepted",
        retried="the state machine, twice",
        left="the model published, once",
    ),
    Row(
        name="no-capacity",
        happens="no instance of the type is free",
        faults=(fault("sagemaker", "ProvisionTrainingInstance", "CapacityError", message=RETRY),),
        carry_out=run_ends("FAILED", jobs=1),
        sees=NO_CAPACITY,
        told="the failure mail",
        retried="nothing; only a spot run, as below",
        left="a failed job that costs nothing",
        core=True,
    ),
    unharmed(
        name="spot-no-capacity",
        happens="no spot instance is free",
        faults=(fault("sagemaker", "ProvisionTrainingInstance", "CapacityError", message="No capacity."),),
        carry_out=run_ends("SUCCEEDED", jobs=2),
        retried="the state machine, once on demand, if the budget admits it",
        left="a job that costs nothing, and the one that ran",
        spot=True,
    ),
    Row(
        name="spot-interrupted-twice",
        happens="AWS takes the spot instance back twice",
        carry_out=act.spot_is_taken_back_twice,
        sees="Report: s3://",
        told="the usual mail",
        retried="SageMaker, from the newest checkpoint",
        left="one job; the waits are not billed",
        spot=True,
    ),
    Row(
        name="out-of-memory",
        happens="memory runs out and the training program is killed",
        carry_out=act.the_program_is_killed,
        sees="exit code: ",
        told="the failure mail",
        retried="nothing; lower the batch size or max_input_length",
        left="a failed job, billed until then",
        core=True,
    ),
    unharmed(
        name="upload-fails-twice",
        happens="S3 answers 500 to two uploads",
        faults=(fault("s3", "PutObject", "InternalError", skip=AFTER_ADMISSION, times=2),),
        retried="the uploader's SDK",
    ),
    Row(
        name="upload-refused",
        happens="S3 refuses the training job's upload",
        faults=(fault("s3", "PutObject", "AccessDenied", status=403, message="refused as asked", **ALWAYS),),
        carry_out=run_ends("FAILED", jobs=1),
        sees="refused as asked",
        told="the failure mail",
        retried="nothing",
        left="a failed job, billed until then, without checkpoints",
    ),
    Row(
        name="disk-full",
        happens="the training instance's disk is full",
        carry_out=act.the_disk_is_full,
        sees="The disk is full",
        told="the failure mail",
        retried="nothing; raise volume_gb, or take a larger type",
        left="a failed job, billed until then",
    ),
    Row(
        name="half-an-artifact",
        happens="a job's output in S3 was cut short",
        carry_out=act.half_an_artifact,
        sees="output.tar.gz",
        told="the failure mail",
        retried="nothing; the run fails",
        left="nothing published",
        core=True,
    ),
    Row(
        name="waking-fails",
        happens="the container of an accepted model does not start",
        faults=(fault("sagemaker", "ProvisionEndpointInstance", "CapacityError", times=20),),
        carry_out=act.waking_fails,
        sees="could not serve it",
        told="the failure mail: the adapter passed, but is not served",
        retried="nothing; CloudFormation rolls back",
        left="the published model, Hosting asleep; `finexpert wake` tries again",
    ),
    Row(
        name="adapter-does-not-load",
        happens="the endpoint's container cannot load an adapter",
        carry_out=act.an_adapter_does_not_load,
        sees="does not answer",
        told="`finexpert wake`, the page or the failure mail: the container's reason",
        retried="the wake, which asks three times",
        left="Hosting asleep; the model published before",
    ),
    Row(
        name="component-refused-while-settling",
        happens="SageMaker refuses the adapter's component while its endpoint is still changing",
        faults=(fault("sagemaker", "CreateInferenceComponent", "ValidationException", **SETTLING),),
        carry_out=act.a_component_is_refused_once,
        sees="accepted",
        told="the usual mail",
        retried="the state machine and `finexpert wake`, once, after the rollback",
        left="the endpoint, awake",
    ),
    Row(
        name="endpoint-survives-its-sleep",
        happens="SageMaker refuses to delete the endpoint, and CloudFormation gives up",
        faults=(fault("sagemaker", "DeleteEndpoint", "InternalFailure", times=3),),
        carry_out=act.an_endpoint_survives_its_sleep,
        sees="finexpert",
        told="a mail of the reaper or the spend guard",
        retried="`finexpert sleep`, the reaper and the spend guard, directly",
        left="nothing",
    ),
    Row(
        name="notifications-refused",
        happens="SNS refuses every message",
        faults=(fault("sns", "Publish", "InternalError", times=5),),
        carry_out=run_ends("SUCCEEDED", jobs=1, told=0),
        sees='"outcome"',
        told="no mail; `finexpert runs` and the execution's output",
        retried="the state machine, four times in half a minute",
        left="the run, as it would have ended",
    ),
    Row(
        name="event-twice-and-late",
        happens="EventBridge delivers the end of a run twice, and that of a run without a job",
        carry_out=act.stopping_is_told_twice_and_late,
        sees="over",
        told="nothing",
        retried="nothing",
        left="the job stopped once",
        core=True,
    ),
    Row(
        name="function-times-out",
        happens="the spend guard runs out of time three times",
        faults=({"service": "sagemaker", "operation": "ListTrainingJobs", "delay_seconds": 3, "times": 20},),
        carry_out=act.a_function_runs_out_of_time,
        sees="{}",
        told="the alarm on the function's errors",
        retried="Lambda repeats the event twice; the next schedule does the work",
        left="a dead letter",
    ),
)


def render() -> str:
    """docs/faults.md."""
    lines = [
        "# What can go wrong",
        "",
        "`make test-all` carries out each row on the embedded cloud, `make test` those in bold. Afterwards",
        "no execution hangs, no job or endpoint is left, and no job has run twice. The usual mail says how",
        "the run ended, the failure mail “a fine-tune failed” why, with a link to the log.",
        "",
        "| What happens | What you see | What tries again | What is left |",
        "|---|---|---|---|",
    ]
    for row in ROWS:
        happens = f"**{row.happens}**" if row.core else row.happens
        lines.append(f"| {happens} | {row.told} | {row.retried} | {row.left} |")
    lines += [
        "",
        "A killed embedded cloud ends its jobs and endpoints and keeps nothing: `finexpert local up` starts",
        "a clean one, and the app must be deployed again.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render(), end="")
