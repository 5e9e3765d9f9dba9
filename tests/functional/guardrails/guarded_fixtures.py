"""One deployed app for a folder of tests, where every request is checked, and what its subscribers hear."""

from collections.abc import Iterator

import pytest

from tests.functional.guardrails.fault_actions import Told
from tests.functional.guardrails.guarded_app import App, guarded_app


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
