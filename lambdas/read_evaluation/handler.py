"""Unpacks and checks the evaluation that a training job left (step 4 of the state machine)."""

import os
from collections.abc import Mapping
from typing import Any

from core.aws.calls import AwsClients, region_from
from core.environment import Variables
from core.evaluation.reading import read


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Event {run, labels: of ValidateDataset's answer, training_job: DescribeTrainingJob's answer,
    earlier_jobs: answers for jobs of the run that gave up, adopted: the error if there was a job of that
    name, asked: the request for it, began: when the run did}; answer {passed, primary, artifact_uri,
    artifact_version, evaluation_uri, report_uri, usd, sentence, model_card}.

    Raises EvaluationError when there is no usable evaluation.
    """
    variables = Variables(os.environ)
    bucket = variables.needed("ARTIFACT_BUCKET", "the name of the artifact bucket")
    variables.check()
    return read(event, bucket=bucket, region=region_from(os.environ), clients=AwsClients())
