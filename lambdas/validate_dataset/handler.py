"""Checks dataset and hyperparameters before anything is paid for (step 1 of the state machine)."""

import os
from collections.abc import Mapping
from typing import Any

from core.aws.calls import AwsClients
from core.dataset.validation import ValidationSettings, validate


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Answer {hyperparameters, labels, documents, bytes, share_read, tokens_estimated, tokens_range,
    trained_tokens, optimizer_steps, expected, understood, first, warnings, sentence}.

    Raises DatasetError with every problem, a line each: of the URI, the hyperparameters or the text.
    """
    return validate(event, settings=ValidationSettings.load(os.environ), clients=AwsClients())
