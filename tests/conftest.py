"""For all tests: examples are the same everywhere, and none fails because the machine is busy.

They use this environment's own Node, as the product does: another on PATH may be too old, or print warnings.
A test computes on one core: pytest's workers use the others, and threads that wait for a core cost more than
they compute. What the tests import lives to the end: the garbage collector does not go through these million
objects again and again, neither while they are imported nor later.
"""

import gc
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")

os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
os.environ["OMP_NUM_THREADS"] = "1"

gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """All tests are imported: what there is now stays, and the collector looks at what comes from here on."""
    gc.freeze()
    gc.enable()
