"""A local endpoint for the inputs that go there, with the tiny model of the serving tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.serving_model import build_model
from tests.unit.bad_input.bad_entries import Desk


@pytest.fixture(scope="session")
def endpoint_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an endpoint in this process."""
    from serving.engine import Engine
    from serving.server import Server
    from serving.settings import Settings
    from serving.worker import Worker

    folder = tmp_path_factory.mktemp("endpoint")
    build_model(folder / "model")
    engine = Engine(Settings.from_environment({"SAGEMAKER_BASE_DIR": str(folder)}))
    worker = Worker(engine, queue_length=4)
    server = Server(("127.0.0.1", 0), engine, worker, most_new_tokens=64)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        worker.close(10)


@pytest.fixture
def desk(tmp_path: Path, endpoint_port: int) -> Desk:
    """Where a row's input is handed in."""
    return Desk(tmp_path, endpoint_port)
