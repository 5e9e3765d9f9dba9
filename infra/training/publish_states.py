"""The second half of a run: evaluate, register, publish, wake, notify."""

from typing import Any

from core.endpoint.hosting import PARAMETER, RESOURCE_TYPES
from core.endpoint.waking import Outcome
from core.names import TRAINING_LOG_GROUP
from infra.training.job import FineTune
from infra.training.states import (
    FAILED,
    State,
    backoff,
    catch,
    catch_all,
    choice,
    equals,
    invoke,
    matches,
    pass_,
    sdk,
    wait,
)

LABELS = "$.dataset.answer.labels"
"""People's names of the run, its data and its starter: short enough for every place."""
OUTCOME = (
    *("passed", "primary", "artifact_uri", "artifact_version", "evaluation_uri", "report_uri"),
    *("usd", "sentence"),
)
"""The part of ReadEvaluation's answer in the execution's output: all but the model card."""


def evaluation(fine_tune: FineTune) -> dict[str, State]:
    return {
        "ReadEvaluation": invoke(
            fine_tune.functions["read-evaluation"],
            {
                "run.$": "$.run",
                "labels.$": LABELS,
                "training_job.$": "$.job",
                "earlier_jobs.$": "$.earlier_jobs",
                "adopted.$": "$.adopted",
                "asked": fine_tune.job.request(),
                "began.$": "$$.Execution.StartTime",
            },
            result="$.evaluation",
            next_="QualityGate",
        ),
        "QualityGate": choice(
            [equals("$.evaluation.answer.passed", True, next_="RegisterAccepted")], default="RegisterRejected"
        ),
        **_registering(fine_tune, "RegisterAccepted", "Approved", next_="WakeWanted"),
        **_registering(fine_tune, "RegisterRejected", "Rejected", next_="NotifyRejected"),
        **_unregistered("RegisterAccepted", next_="WakeWanted"),
        **_unregistered("RegisterRejected", next_="NotifyRejected"),
        "PublishArtifact": _publish_artifact(fine_tune, catch_all(FAILED), next_="NotifyAccepted"),
        # A stack that cannot wake says nothing of the adapter.
        "PublishUnserved": _publish_artifact(
            fine_tune, catch("States.ALL", FAILED, result="$.unpublished"), next_=FAILED
        ),
    }


def waking(fine_tune: FineTune) -> dict[str, State]:
    """Wake Hosting if the run asks for it, before its adapter is published.

    One that the container cannot load must not take the place of the last that it could.
    """
    stack = fine_tune.names.stack("Hosting")
    status, cause, outcome = "$.hosting.status", "$.error.Cause", "$.woken.answer.outcome"
    return {
        "WakeWanted": choice(
            [equals("$.request.wake", True, next_="WakeHosting")], default="PublishArtifact"
        ),
        "WakeHosting": sdk(
            "cloudformation:updateStack",
            {
                "StackName": stack,
                "UsePreviousTemplate": True,
                "RoleARN": fine_tune.hosting_role_arn,
                "ResourceTypes": list(RESOURCE_TYPES),
                "Parameters": [
                    {"ParameterKey": PARAMETER, "ParameterValue.$": "$.evaluation.answer.artifact_uri"}
                ],
            },
            result="$.update",
            catch=[catch_all("WakeRefused")],
            next_="WaitForHosting",
        ),
        "WakeRefused": choice(
            [
                matches(cause, "*No updates are to be performed*", next_="FinishWake"),
                matches(cause, "*_IN_PROGRESS*", next_="WaitForOtherUpdate"),
            ],
            default="PublishUnserved",
        ),
        "WaitForOtherUpdate": wait(fine_tune.settings.poll_seconds, next_="WakeHosting"),
        "WaitForHosting": wait(fine_tune.settings.poll_seconds, next_="DescribeHosting"),
        "DescribeHosting": sdk(
            "cloudformation:describeStacks",
            {"StackName": stack},
            retry_on="CloudFormation.CloudFormationException",
            selector={"status.$": "$.Stacks[0].StackStatus"},
            result="$.hosting",
            catch=[catch_all("PublishUnserved")],
            next_="HostingAwake",
        ),
        "HostingAwake": choice(
            [
                equals(status, "UPDATE_COMPLETE", next_="FinishWake"),
                equals(status, "UPDATE_ROLLBACK_COMPLETE", next_="FinishWake"),
                matches(status, "*FAILED", next_="WakeFailed"),
            ],
            default="WaitForHosting",
        ),
        "FinishWake": invoke(
            fine_tune.functions["finish-wake"],
            {"artifact.$": "$.evaluation.answer.artifact_uri", "again.$": "$.waking.again"},
            result="$.woken",
            next_="WakeEnded",
        ),
        "WakeEnded": choice(
            [
                equals(outcome, Outcome.AWAKE.value, next_="PublishArtifact"),
                equals(outcome, Outcome.AGAIN.value, next_="WakeAgain"),
            ],
            default="WakeFailed",
        ),
        "WakeAgain": pass_({"again": True}, result="$.waking", next_="WakeHosting"),
        "WakeFailed": pass_(
            {
                "Error": "WakeFailed",
                "Cause.$": "States.Format('The adapter passed the quality gate, but the stack"
                f" {stack} could not serve it: {{}}, see its events.', {status})",
            },
            result="$.error",
            next_="PublishUnserved",
        ),
    }


def ending(fine_tune: FineTune) -> dict[str, State]:
    spelt = TRAINING_LOG_GROUP.replace("/", "$252F")  # as the console's addresses spell it
    region = fine_tune.settings.region
    log = (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:log-groups/"
        f"log-group/{spelt}$3FlogStreamNameFilter$3D{{}}"
    )
    return {
        "NotifyAccepted": _report(fine_tune, "Accepted"),
        "NotifyRejected": _report(fine_tune, "Rejected"),
        "Accepted": _outcome(fine_tune, "accepted"),
        "Rejected": _outcome(fine_tune, "rejected"),
        "Refused": pass_(
            {"cause.$": "States.StringToJson($.error.Cause)"}, result="$.refusal", next_="RefusedBecause"
        ),
        "RefusedBecause": pass_(
            {"Error.$": "$.error.Error", "Cause.$": "$.refusal.cause.errorMessage"},
            result="$.error",
            next_=FAILED,
        ),
        FAILED: _publish(
            fine_tune,
            f"{fine_tune.names.project}: a fine-tune failed",
            f"States.Format('{{}} failed ({{}}): {{}} Log: {log}',"
            " $.request.name, $.error.Error, $.error.Cause, $$.Execution.Name)",
            next_="Failed",
        ),
        "Failed": {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
    }


def _publish_artifact(fine_tune: FineTune, failing: dict[str, Any], *, next_: str) -> State:
    return sdk(
        "ssm:putParameter",
        {
            "Name": fine_tune.names.artifact_parameter,
            "Value.$": "$.evaluation.answer.artifact_uri",
            "Type": "String",
            "Overwrite": True,
        },
        retry_on="States.TaskFailed",
        result="$.published",
        catch=[failing],
        next_=next_,
    )


def _registering(fine_tune: FineTune, name: str, approval: str, *, next_: str) -> dict[str, State]:
    """Register the package with its model card; a card that the service refuses must not cost the run."""
    package = _package(fine_tune, approval)
    card = {
        "ModelCard": {
            "ModelCardContent.$": "$.evaluation.answer.model_card",
            "ModelCardStatus": "PendingReview",  # a program wrote it; approving it is for a person
        }
    }
    plain = f"{name}WithoutCard"
    return {
        name: _register(
            package | card, catch=catch("States.ALL", plain, result="$.card_refused"), next_=next_
        ),
        plain: _register(package, catch=catch("States.ALL", _failed(name), result="$.refused"), next_=next_),
    }


def _unregistered(name: str, *, next_: str) -> dict[str, State]:
    """Go on without a package: a run that was paid for is published all the same."""
    parameters = {"ModelPackageArn": ""}
    return {_failed(name): pass_(parameters, result="$.package", next_=next_)}


def _failed(name: str) -> str:
    return f"{name}Failed"


def _register(package: dict[str, Any], *, catch: dict[str, Any], next_: str) -> State:
    return sdk(
        "sagemaker:createModelPackage",
        package,
        retry_on="SageMaker.SageMakerException",
        result="$.package",
        catch=[catch],
        next_=next_,
    )


def _package(fine_tune: FineTune, approval: str) -> dict[str, Any]:
    answer = "$.evaluation.answer"
    return {
        "ModelPackageGroupName": fine_tune.names.model_package_group,
        "ModelPackageDescription.$": f"{answer}.sentence",
        "ModelApprovalStatus": approval,
        "InferenceSpecification": {
            "Containers": [{"Image": fine_tune.serving_image, "ModelDataUrl.$": f"{answer}.artifact_uri"}],
            "SupportedContentTypes": ["application/json"],
        },
        "CustomerMetadataProperties": {
            "run.$": "$.run",
            "name.$": f"{LABELS}.name",
            "dataset.$": "$.request.dataset",
            "evaluation.$": f"{answer}.evaluation_uri",
            "metric.$": f"{answer}.primary.metric",
            "base.$": f"States.Format('{{}}', {answer}.primary.base)",
            "tuned.$": f"States.Format('{{}}', {answer}.primary.tuned)",
            "usd.$": f"States.Format('{{}}', {answer}.usd)",
        },
    }


def _report(fine_tune: FineTune, outcome: str) -> State:
    return _publish(
        fine_tune,
        f"{fine_tune.names.project}: a fine-tune was {outcome.lower()}",
        f"States.Format('{{}} was {outcome.lower()}. {{}} Report: {{}}',"
        f" {LABELS}.name, $.evaluation.answer.sentence, $.evaluation.answer.report_uri)",
        next_=outcome,
    )


def _publish(fine_tune: FineTune, subject: str, message: str, *, next_: str) -> State:
    """A notification, sent again while SNS is in trouble; that it fails must not change how the run ends."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {"TopicArn": fine_tune.topic_arn, "Subject": subject, "Message.$": message},
        "ResultPath": "$.notified",
        "Retry": [backoff(["States.TaskFailed"])],
        "Catch": [catch("States.ALL", next_, result="$.unnotified")],
        "Next": next_,
    }


def _outcome(fine_tune: FineTune, outcome: str) -> State:
    return {
        "Type": "Pass",
        "Parameters": {
            "outcome": outcome,
            "run.$": "$.run",
            "job_name.$": "$.job_name",
            "dataset.$": "$.dataset.answer",
            "admission.$": "$.admission.answer",
            "evaluation": {f"{name}.$": f"$.evaluation.answer.{name}" for name in OUTCOME},
            "model_package_arn.$": "$.package.ModelPackageArn",
        },
        "End": True,
    }
