"""The unit tests' tiny model and job folders, for longer tests of the trainer."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "unit" / "training"))  # for training_jobs

from training_jobs import job, weights

__all__ = ["job", "weights"]
