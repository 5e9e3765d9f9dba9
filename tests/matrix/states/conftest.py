"""An embedded cloud with the state machine, its functions and its training program playing a script."""

import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from localcloud import lifecycle
from tests.functional.cloud_session import session as session_of
from tests.matrix.states.states_lab import StatesLab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StatesLab]:
    """The lab on a separate cloud."""
    state_dir = tmp_path_factory.mktemp("states")
    options = lifecycle.CloudOptions(owner_pid=os.getpid(), provision_seconds=0.05)
    cloud = lifecycle.up(state_dir, options=options)
    session = session_of(cloud)

    @cache
    def client(service: str) -> Any:
        return session.client(service, endpoint_url=cloud.endpoint_url)

    try:
        yield StatesLab(cloud, client)
    finally:
        lifecycle.down(state_dir)
