"""The unit tests' tiny model and job folders, for longer tests of the trainer."""

from tests.fakes.training_jobs import job, weights

__all__ = ["job", "weights"]
