"""Permissions of the page's function: what its buttons do, and what its tabs show.

It deletes nothing but turns and threads that people delete from their history.
"""

from core.documents.vectors import MODEL
from core.names import RUN_NAMES, TRAINING_LOG_GROUP
from infra.arns import Arns
from infra.permissions import ANYTHING, Statement, allow, ask_endpoint, end_scaling, switch_hosting
from infra.training.functions import admission

PREFIX = "history/"
"""The key prefix of people's histories, one folder for each id: finexpert.service.asking.stores."""
READ = ("documents/*", "datasets/*", "base-model/config.json")
"""The index of documents, datasets (examples come from their held-out text), and what the base model is."""


def page(arns: Arns, *, vector_index: str = "") -> list[Statement]:
    """Return all statements. Month and reservations are read as admission reads them; nothing is reserved.

    Args:
        vector_index: ARN of the index with the documents' vectors, if there is one.
    """
    searching = _vectors(arns, vector_index) if vector_index else []
    return [*_money(arns), *_outputs(arns), *_endpoint(arns), *_runs(arns), *_data(arns), *searching]


def _money(arns: Arns) -> list[Statement]:
    read_only = [each for each in admission(arns) if "s3:PutObject" not in each["Action"]]
    return [
        *read_only,
        allow(
            ["s3:GetObject"], [arns.bucket("artifacts", "/admission/*"), arns.bucket("artifacts", "/runs/*")]
        ),
        allow(["s3:PutObject"], [arns.bucket("artifacts", f"/{RUN_NAMES}")]),
    ]


def _outputs(arns: Arns) -> list[Statement]:
    """Find the other stacks' buckets, state machine and functions."""
    stacks = [arns.names.stack(part) for part in ("Storage", "Training", "Guardrails")]
    return [
        allow(
            ["cloudformation:DescribeStacks"],
            [arns.of("cloudformation", f"stack/{stack}/*") for stack in stacks],
        )
    ]


def _endpoint(arns: Arns) -> list[Statement]:
    """Ask, wake, sleep, keep; read and forecast the reaper's decisions."""
    names, endpoint = arns.names, arns.served[0]
    return [
        ask_endpoint(arns),
        *switch_hosting(arns),
        # Where CloudFormation refuses, sleep deletes endpoint and components directly, by their names.
        allow(["sagemaker:DeleteEndpoint", "sagemaker:DeleteInferenceComponent"], arns.served),
        *end_scaling(),
        allow(["ssm:GetParameter"], [arns.of("ssm", f"parameter{names.artifact_parameter}")]),
        allow(["sagemaker:AddTags", "sagemaker:DeleteTags"], [endpoint]),
        allow(["sagemaker:ListInferenceComponents", "cloudwatch:ListMetrics"], ANYTHING),
        allow(["logs:FilterLogEvents"], arns.log(names.function_log("idle-reaper"))),
    ]


def _runs(arns: Arns) -> list[Statement]:
    """List, follow, start and stop them."""
    return [
        allow(["states:ListExecutions", "states:StartExecution"], [arns.state_machine]),
        allow(
            ["states:DescribeExecution", "states:GetExecutionHistory", "states:StopExecution"],
            [arns.executions],
        ),
        allow(["logs:DescribeLogStreams", "logs:GetLogEvents"], arns.log(TRAINING_LOG_GROUP)),
    ]


def _data(arns: Arns) -> list[Statement]:
    """Store datasets, read the index of documents that was pushed, and keep each person's history."""
    return [
        allow(["s3:ListBucket"], [arns.bucket("data")]),
        allow(["s3:PutObject"], [arns.bucket("data", "/datasets/*")]),
        allow(["s3:GetObject"], [arns.bucket("data", f"/{path}") for path in READ]),
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [arns.bucket("data", f"/{PREFIX}*")]),
    ]


def _vectors(arns: Arns, index: str) -> list[Statement]:
    """Embed a question, and find the vectors near it; a query with a filter needs GetVectors, too."""
    model = f"arn:{arns.partition}:bedrock:{arns.region}::foundation-model/{MODEL}"
    return [
        allow(["bedrock:InvokeModel"], [model]),
        allow(["s3vectors:QueryVectors", "s3vectors:GetVectors"], [index]),
    ]
