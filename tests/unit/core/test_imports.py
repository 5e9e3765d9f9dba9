"""What a program imports at its start is not the garbage collector's concern; what comes later is."""

import gc

import pytest

from core.imports import lasting_imports


@pytest.mark.parametrize("error", [None, ImportError])
def test_what_is_imported_stays_and_the_collector_works_again(error: type[Exception] | None) -> None:
    before = gc.get_freeze_count()
    came: list[list[int]] = []
    try:
        with lasting_imports():
            assert not gc.isenabled()
            came += [[number] for number in range(1000)]
            if error:
                raise error
    except ImportError:
        assert error is ImportError
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(came)
