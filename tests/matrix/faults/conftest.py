"""What these tests share with the functional ones lies there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "functional" / "guarded"))

from guarded_app import App, guarded_app
from guarded_fixtures import app, told

__all__ = ["app", "spot_app", "told"]


@pytest.fixture(scope="package")
def spot_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app, deployed for spot instances."""
    spot = {"FINEXPERT_SPOT": "true"}
    with guarded_app(tmp_path_factory.mktemp("spot"), spot, wait_scale=0.1) as made:
        made.deploy()
        yield made
