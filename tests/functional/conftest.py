"""A running embedded cloud for the functional tests, one for the whole session, always taken down."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from localcloud.lifecycle import Cloud
from tests.functional.cloud_session import running
from tests.functional.cloud_session import session as session_of

MakeClient = Callable[..., Any]
WAITS_FOR_THE_CLOCK = "localcloud/test_schedule.py"
OWN_CLOUD = ("guardrails/test_money.py",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for a minute of the real clock comes last: by then it has passed during the other tests."""
    items.sort(key=lambda item: item.path.as_posix().endswith(WAITS_FOR_THE_CLOCK))


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]
    """A folder's tests share a cloud and build on each other, so they stay on one worker, in order.

    A file that shares nothing with its folder goes alone, so that workers end at about the same time.
    (pytest-xdist's own groups do not work with this pytest: they change a node id that it now computes.)
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return file if file.endswith(OWN_CLOUD) else file.rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    """pytest-xdist's hook: how tests are dealt out to the workers."""
    return ByFolder(config, log)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An embedded cloud in a separate folder."""
    with running(tmp_path_factory.mktemp("cloud"), provision_seconds=0.05) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def client(cloud: Cloud) -> MakeClient:
    """`client("s3")`: a boto3 client of the cloud, independent of the AWS settings around the tests."""
    session = session_of(cloud)
    clients: dict[str, Any] = {}

    def make(service: str) -> Any:
        if service not in clients:
            clients[service] = session.client(service, endpoint_url=cloud.endpoint_url)
        return clients[service]

    return make
