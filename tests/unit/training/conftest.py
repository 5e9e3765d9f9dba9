"""The tiny model and job folders of training_jobs, and one thread a test."""

import pytest
import torch

from tests.fakes.training_jobs import job, weights

__all__ = ["job", "weights"]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Sums in one order, and no fight over cores between tests."""
    torch.set_num_threads(1)
