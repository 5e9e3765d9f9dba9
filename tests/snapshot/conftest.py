"""Templates are synthesized in this process, once for each combination of settings."""

from pathlib import Path

import pytest

from tests.snapshot.snapshot_synth import Templates, synthesize


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--snapshot-update", action="store_true", help="store today's templates as the expected ones"
    )


@pytest.fixture(scope="session")
def aws_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the cloud assembly of `aws`."""
    return tmp_path_factory.mktemp("aws")


@pytest.fixture(scope="session")
def aws(aws_assembly: Path) -> Templates:
    """The templates for AWS: every default, with mail and licence."""
    return synthesize(aws_assembly)


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """The templates for the embedded cloud: the same app with localcloud/settings.json."""
    return synthesize(tmp_path_factory.mktemp("embedded"), embedded=True)
