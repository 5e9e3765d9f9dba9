"""An index of two reports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.documents import store
from core.documents.search import Corpus
from tests.fakes import filings


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filings.shelf(tmp_path_factory.mktemp("documents"))


@pytest.fixture
def corpus(index: Path) -> Iterator[Corpus]:
    with store.opened(index) as connection:
        yield Corpus.of(connection)
