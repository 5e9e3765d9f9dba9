"""The first half of a run: validate, admit, train."""

from core.names import TRAINING_LOG_GROUP
from infra.retention import KEPT_DAYS
from infra.training.job import FineTune
from infra.training.states import (
    FAILED,
    State,
    catch,
    catch_all,
    choice,
    equals,
    invoke,
    matches,
    pass_,
    present,
    sdk,
    wait,
)

DEFAULTS = {
    "dataset": "",
    "hyperparameters": {},
    "wake": False,
    "unjudged": False,
    "name.$": "$$.Execution.Name",
    "by": "",
}
"""The defaults of an execution's input; without a dataset, validation says what to write."""
VALIDATED = ("dataset", "hyperparameters", "unjudged", "name", "by")


def before_training(fine_tune: FineTune) -> dict[str, State]:
    """Validate the dataset, admit the job against the budget."""

    limits = "SpotOrOnDemand" if fine_tune.settings.spot else "OnDemandLimits"
    on_demand = {"MaxRuntimeInSeconds.$": "$.admission.answer.max_runtime_seconds"}
    states = {
        "Defaults": pass_(DEFAULTS, result="$.defaults", next_="Prepare"),
        "Prepare": pass_(
            {
                "run.$": "$$.Execution.Name",
                "job_name.$": "$$.Execution.Name",
                "spot": fine_tune.settings.spot,
                "earlier_jobs": [],
                "adopted": {},
                "waking": {"again": False},
                "request.$": "States.JsonMerge($.defaults, $$.Execution.Input, false)",
            },
            next_="ValidateDataset",
        ),
        "ValidateDataset": invoke(
            fine_tune.functions["validate-dataset"],
            {f"{name}.$": f"$.request.{name}" for name in VALIDATED},
            result="$.dataset",
            next_="Admit",
        ),
        "Admit": invoke(
            fine_tune.functions["admission"],
            {"job.$": "$.job_name", "spot.$": "$.spot", "dataset.$": "$.dataset.answer"},
            result="$.admission",
            next_=limits,
        ),
        "OnDemandLimits": pass_(on_demand, result="$.stopping", next_="CreateLogGroup"),
    }
    if fine_tune.settings.spot:
        spot = {**on_demand, "MaxWaitTimeInSeconds.$": "$.admission.answer.max_wait_seconds"}
        states["SpotOrOnDemand"] = choice(
            [equals("$.spot", True, next_="SpotLimits")], default="OnDemandLimits"
        )
        states["SpotLimits"] = pass_(spot, result="$.stopping", next_="CreateLogGroup")
    return states


def job_log() -> dict[str, State]:
    """Let the log of the jobs end after a month, if it is not there yet.

    The account's other jobs log to the same group, so one that exists is left as it is.
    """
    return {
        "CreateLogGroup": sdk(
            "cloudwatchlogs:createLogGroup",
            {"LogGroupName": TRAINING_LOG_GROUP},
            retry_on="CloudWatchLogs.CloudWatchLogsException",
            result="$.log_group",
            catch=[
                catch(
                    "CloudWatchLogs.ResourceAlreadyExistsException", "CreateTrainingJob", result="$.log_group"
                ),
                catch_all(FAILED),
            ],
            next_="LimitLogGroup",
        ),
        "LimitLogGroup": sdk(
            "cloudwatchlogs:putRetentionPolicy",
            {"LogGroupName": TRAINING_LOG_GROUP, "RetentionInDays": KEPT_DAYS},
            retry_on="CloudWatchLogs.CloudWatchLogsException",
            result="$.log_group",
            catch=[catch_all(FAILED)],
            next_="CreateTrainingJob",
        ),
    }


def training(fine_tune: FineTune) -> dict[str, State]:
    """Start the job and look at it until it ends."""
    ended_badly = "SpotGaveUp" if fine_tune.settings.spot else "TrainingFailed"
    return {
        "CreateTrainingJob": sdk(
            "sagemaker:createTrainingJob",
            fine_tune.job.request(),
            retry_on="SageMaker.SageMakerException",
            result="$.created",
            # A repeated call after a lost answer, or a job that somebody else made: ReadEvaluation looks.
            catch=[
                catch("SageMaker.ResourceInUseException", "WaitForTraining", result="$.adopted"),
                catch_all(FAILED),
            ],
            next_="WaitForTraining",
        ),
        "WaitForTraining": wait(fine_tune.settings.poll_seconds, next_="DescribeTrainingJob"),
        "DescribeTrainingJob": sdk(
            "sagemaker:describeTrainingJob",
            {"TrainingJobName.$": "$.job_name"},
            retry_on="SageMaker.SageMakerException",
            result="$.job",
            catch=[catch_all(FAILED)],
            next_="TrainingEnded",
        ),
        "TrainingEnded": choice(
            [
                equals("$.job.TrainingJobStatus", "Completed", next_="ReadEvaluation"),
                equals("$.job.TrainingJobStatus", "Failed", next_=ended_badly),
                equals("$.job.TrainingJobStatus", "Stopped", next_=ended_badly),
            ],
            default="WaitForTraining",
        ),
        "TrainingFailed": choice(
            [present("$.job.FailureReason", next_="TrainingFailedBecause")], default="TrainingStopped"
        ),
        "TrainingFailedBecause": pass_(
            {
                "Error": "TrainingFailed",
                "Cause.$": "States.Format('The training job {} failed: {}', $.job_name, $.job.FailureReason)",
            },
            result="$.error",
            next_=FAILED,
        ),
        "TrainingStopped": pass_(
            {
                "Error": "TrainingStopped",
                "Cause.$": "States.Format('The training job {} was stopped before its end ({}).',"
                " $.job_name, $.job.SecondaryStatus)",
            },
            result="$.error",
            next_=FAILED,
        ),
    }


def spot_fallback() -> dict[str, State]:
    """Tries a spot job that got no capacity, or waited too long, once more on demand, if admitted again."""
    no_capacity = {"And": [present("$.job.FailureReason"), matches("$.job.FailureReason", "*apacity*")]}
    gave_up = {"Or": [equals("$.job.SecondaryStatus", "MaxWaitTimeExceeded"), no_capacity]}
    return {
        "SpotGaveUp": choice(
            [{"And": [equals("$.spot", True), gave_up], "Next": "OnDemandInstead"}], default="TrainingFailed"
        ),
        "OnDemandInstead": pass_(
            {
                "run.$": "$.run",
                "job_name.$": "States.Format('{}-od', $.run)",
                "spot": False,
                "earlier_jobs.$": "States.Array($.job)",
                "adopted": {},
                "waking": {"again": False},
                "request.$": "$.request",
                "dataset.$": "$.dataset",
            },
            next_="Admit",
        ),
    }
