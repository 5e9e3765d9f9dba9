"""A local endpoint for the inputs that go there, with the tiny model of the serving tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.serving_model import build_model
from tests.unit.bad_input.bad_entries import Desk
from tests.unit.serving.serving_program import PATIENCE_SECONDS, Running


@pytest.fixture(scope="session")
def endpoint_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an endpoint."""
    folder = tmp_path_factory.mktemp("endpoint")
    build_model(folder / "model")
    server = Running(folder, SERVING_MAX_NEW_TOKENS="64")
    try:
        yield server.port
    finally:
        server.process.terminate()
        assert server.process.wait(PATIENCE_SECONDS) == 0


@pytest.fixture
def desk(tmp_path: Path, endpoint_port: int) -> Desk:
    """Where a row's input is handed in."""
    return Desk(tmp_path, endpoint_port)
