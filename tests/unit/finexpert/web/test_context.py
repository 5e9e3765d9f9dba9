"""What is kept, for how long, and that errors are not."""

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest

from finexpert.web.context import Followed, Kept


def test_a_value_is_read_again_when_it_is_old() -> None:
    now, read = [0.0], iter(range(9))
    kept = Kept(5.0, lambda: now[0])
    values = []
    for moment in (0.0, 4.9, 5.0, 9.9, 10.0):
        now[0] = moment
        values.append(kept.get("sum", lambda: next(read)))
    assert values == [0, 0, 1, 1, 2]
    kept.forget()
    assert kept.get("sum", lambda: next(read)) == 3


def test_who_asks_at_the_same_time_waits_for_one_read() -> None:
    read: list[int] = []

    def slowly() -> int:
        sleep(0.05)
        read.append(1)
        return len(read)

    kept = Kept(60.0)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: kept.get("sum", slowly), range(4))) == [1, 1, 1, 1]


def test_an_error_is_not_kept() -> None:
    kept = Kept(60.0)
    with pytest.raises(ZeroDivisionError):
        kept.get("sum", lambda: 1 // 0)
    assert kept.get("sum", lambda: 7) == 7


def test_the_oldest_run_is_followed_no_more() -> None:
    followed = Followed()
    first = followed.of("run-0", object)  # type: ignore[arg-type]
    assert followed.of("run-0", object) is first  # type: ignore[arg-type]
    for number in range(1, Followed.MOST + 1):
        followed.of(f"run-{number}", object)  # type: ignore[arg-type]
    assert followed.of("run-0", object) is not first  # type: ignore[arg-type]
