"""The unit tests' tiny model and job folders, for longer tests of the trainer."""

import importlib.util
from pathlib import Path

_FILE = Path(__file__).parents[2] / "unit" / "training" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("training_fixtures", _FILE)
assert _SPEC is not None
assert _SPEC.loader is not None
_FIXTURES = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_FIXTURES)

job, weights = _FIXTURES.job, _FIXTURES.weights
