"""The state machine of a fine-tuning run, in Amazon States Language (JSONPath).

The execution's state is one object, filled step by step:

| field | by | holds |
|---|---|---|
| `run`, `job_name`, `request`, `spot` | Prepare | names of execution and job, the input, whether spot |
| `dataset.answer` | ValidateDataset | complete hyperparameters, counts, a sentence |
| `admission.answer` | Admit | seconds and dollars that the job may take |
| `stopping` | …Limits | StoppingCondition of the job |
| `log_group` | CreateLogGroup, LimitLogGroup | nothing of interest: the log is there |
| `job` | DescribeTrainingJob | the job as AWS describes it |
| `evaluation.answer` | ReadEvaluation | passed or not, figures, URIs |
| `waking`, `woken.answer` | Prepare, WakeAgain, FinishWake | whether it is the second try; how it ended |
| `package`, `hosting`, `error` | the steps after | the model package; the stack's status; what went wrong |
"""

from infra.settings import Settings
from infra.training.job import FineTune, TrainingJob
from infra.training.publish_states import ending, evaluation, waking
from infra.training.run_states import before_training, job_log, spot_fallback, training
from infra.training.states import Definition


def definition(fine_tune: FineTune) -> Definition:
    """The whole state machine."""
    return {
        "Comment": "Validate, admit, train, evaluate, and publish what passed; every failure is reported.",
        "StartAt": "Defaults",
        "TimeoutSeconds": fine_tune.timeout_seconds,
        "States": {
            **before_training(fine_tune),
            **job_log(),
            **training(fine_tune),
            **(spot_fallback() if fine_tune.settings.spot else {}),
            **evaluation(fine_tune),
            **waking(fine_tune),
            **ending(fine_tune),
        },
    }


def made_up(settings: Settings) -> Definition:
    """The state machine with made-up ARNs: before a deploy AWS can be asked whether it takes it."""
    names = settings.names
    here = f"{settings.region}:111122223333"
    function, role = f"arn:aws:lambda:{here}:function:{names.name}", "arn:aws:iam::111122223333:role/x"
    job = TrainingJob(
        settings=settings,
        role_arn=role,
        base_model_uri=settings.base_model_location("data"),
        code_uri="s3://assets/code.zip",
        artifact_bucket="artifacts",
        subnet_ids=settings.subnet_ids,
        security_group_ids=settings.security_group_ids,
    )
    return definition(
        FineTune(
            job=job,
            functions={
                purpose: f"{function}-{purpose}"
                for purpose in ("validate-dataset", "admission", "read-evaluation", "finish-wake")
            },
            topic_arn=f"arn:aws:sns:{here}:{names.topic}",
            serving_image="image/serving:1",
            hosting_role_arn=role,
        )
    )
