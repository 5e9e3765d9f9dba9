"""What these tests share with the functional ones lies there."""

from collections.abc import Iterator

import pytest

from tests.functional.guardrails.guarded_app import App, guarded_app
from tests.functional.guardrails.guarded_fixtures import app, told

__all__ = ["app", "spot_app", "told"]


@pytest.fixture(scope="package")
def spot_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app, deployed for spot instances."""
    spot = {"FINEXPERT_SPOT": "true"}
    with guarded_app(tmp_path_factory.mktemp("spot"), spot, wait_scale=0.1) as made:
        made.deploy()
        yield made
