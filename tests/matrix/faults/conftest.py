"""What these tests share with the functional ones lies there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "functional" / "guarded"))

from fault_table import Told
from guarded_app import App, guarded_app


@pytest.fixture(scope="package")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app, deployed; its Step Functions wait a tenth of what they say."""
    with guarded_app(tmp_path_factory.mktemp("guarded"), wait_scale=0.1) as made:
        made.deploy()
        yield made


@pytest.fixture(scope="package")
def told(app: App) -> Told:
    """What the project's subscribers hear."""
    return Told(app)


@pytest.fixture(scope="package")
def spot_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app, deployed for spot instances."""
    spot = {"FINEXPERT_SPOT": "true"}
    with guarded_app(tmp_path_factory.mktemp("spot"), spot, wait_scale=0.1) as made:
        made.deploy()
        yield made
