"""A person's history: kept, found, renamed, rated and deleted, on this machine and in a bucket alike."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from finexpert.errors import NotFound, UserError
from finexpert.service.asking import history
from finexpert.service.asking.stores import FileStore, S3Store, Store
from finexpert.web.http import encoded
from tests.fakes.s3 import FakeS3

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
ANSWERS = [
    {"model": "base", "text": "It rose.", "seconds": 1.5, "cut": False, "who": "Llama 2 7B"},
    {"model": "tuned", "text": "Halvane rose by 6 %.", "seconds": 2, "cut": True, "unknown": "dropped"},
]


class Bucket(FakeS3):
    """A bucket that takes no write which names no version."""

    def put_object(self, Bucket: str, Key: str, Body: bytes, **condition: str) -> None:
        assert len(condition) == 1
        super().put_object(Bucket, Key, Body, **condition)


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "file":
        return FileStore(tmp_path / "state" / "history")
    return S3Store(Bucket(), "data", "11111111-2222")


def turn(number: int, prompt: str = "And revenue?") -> dict[str, Any]:
    return {"id": f"t{number}", "prompt": prompt, "parameters": {"seed": 1}, "answers": ANSWERS}


def test_a_thread_is_named_by_its_first_question_and_holds_all_of_them(store: Store) -> None:
    history.add_turn(store, "a", turn(1, "What was  EBITDA\nin Q3?"), NOW)
    history.add_turn(store, "a", turn(2), NOW + timedelta(minutes=1))
    kept = history.thread(store, "a")
    assert (kept["name"], [each["id"] for each in kept["turns"]]) == ("What was EBITDA in Q3?", ["t1", "t2"])
    tuned = kept["turns"][0]["answers"][1]
    known = {key: value for key, value in ANSWERS[1].items() if key != "unknown"}
    assert tuned == known | {"thumb": "", "note": ""}


def test_a_turn_that_is_sent_twice_is_kept_once(store: Store) -> None:
    for _ in range(2):
        history.add_turn(store, "a", turn(1), NOW)
    assert len(history.thread(store, "a")["turns"]) == 1


def test_the_newest_thread_is_listed_first_and_words_find_it(store: Store) -> None:
    for name, prompt in (("a", "Dividends"), ("b", "Revenue"), ("c", "Debt")):
        history.add_turn(store, name, turn(1, prompt), NOW)
    history.rename(store, "a", "Payouts of 2025")
    history.rate(store, "b", "t1", "tuned", thumb="down", note="Wrong year")
    assert [each["id"] for each in history.threads(store)] == ["b", "a", "c"]
    assert [each["id"] for each in history.threads(store, "payouts 2025")] == ["a"]
    assert [each["id"] for each in history.threads(store, "year WRONG")] == ["b"]
    assert len(history.threads(store, "halvane")) == 3
    assert history.threads(store, "halvane missing") == []


def test_a_thumb_and_a_note_stay_with_their_answer(store: Store) -> None:
    history.add_turn(store, "a", turn(1), NOW)
    history.rate(store, "a", "t1", "base", thumb="up", note=" right ")
    base, tuned = history.thread(store, "a")["turns"][0]["answers"]
    assert (base["thumb"], base["note"], tuned["thumb"]) == ("up", "right", "")
    with pytest.raises(NotFound):
        history.rate(store, "a", "t9", "base", thumb="up", note="")
    with pytest.raises(UserError, match="up or down"):
        history.rate(store, "a", "t1", "base", thumb="sideways", note="")


def test_threads_are_deleted_one_by_one_or_all(store: Store) -> None:
    for name in "abc":
        history.add_turn(store, name, turn(1), NOW)
    history.keep_questions(store, [{"question": "Q", "answer": "A"}])
    history.remove(store, "b")
    with pytest.raises(NotFound):
        history.thread(store, "b")
    history.remove(store)
    assert history.threads(store) == []
    assert history.questions(store) == [{"question": "Q", "answer": "A"}]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"id": "t", "prompt": " ", "answers": []},
        {"id": "t", "prompt": "x", "answers": "none"},
        {"id": "t", "prompt": "x", "answers": [{"model": "base"}]},
        {"id": "t", "prompt": "x", "answers": [{"model": "base", "text": "x", "seconds": "1"}]},
    ],
)
def test_what_is_no_turn_is_refused(store: Store, broken: Any) -> None:
    with pytest.raises(UserError, match="no question"):
        history.add_turn(store, "a", broken, NOW)
    assert history.threads(store) == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_a_name_has_a_length(store: Store, name: str) -> None:
    history.add_turn(store, "a", turn(1), NOW)
    with pytest.raises(UserError):
        history.rename(store, "a", name)


def test_a_full_thread_refuses_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_TURNS", 1)
    history.add_turn(store, "a", turn(1), NOW)
    with pytest.raises(UserError, match="at most"):
        history.add_turn(store, "a", turn(2), NOW)
    assert len(history.thread(store, "a")["turns"]) == 1


def test_no_one_else_on_this_machine_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "history"
    history.add_turn(FileStore(folder), "a", turn(1), NOW)
    (file,) = folder.iterdir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, file)] == [0o700, 0o600]


def test_one_damaged_file_hides_no_other(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    history.add_turn(store, "a", turn(1), NOW)
    (tmp_path / "thread-b.json").write_text("{")
    (tmp_path / "thread-c.json").write_text("[]")
    (tmp_path / "thread-d.json").write_text("{}")
    (tmp_path / "thread-e.json").write_text('{"id": "e", "name": 5, "changed": "", "turns": []}')
    (tmp_path / "thread-f.json").write_text('{"id": "f", "name": "f", "changed": "", "turns": [{}]}')
    (tmp_path / "thread-g.json").write_text('{"a":' * 100_000)
    assert [each["id"] for each in history.threads(store)] == ["a"]


def test_half_a_character_is_kept_and_shown(tmp_path: Path) -> None:
    """A model may stop in the middle of one."""
    store = FileStore(tmp_path)
    half = {"model": "tuned", "text": "up \ud83d", "seconds": 1, "cut": True}
    kept = history.add_turn(store, "a", {"id": "1", "prompt": "How?", "answers": [half]}, NOW)
    assert history.thread(store, "a") == kept
    assert json.loads(encoded(kept)) == kept


def test_two_people_do_not_see_each_other(tmp_path: Path) -> None:
    bucket = Bucket()
    ana, ben = (S3Store(bucket, "data", person) for person in ("ana", "ben"))
    history.add_turn(ana, "a", turn(1), NOW)
    assert history.threads(ben) == []
    assert [*bucket.objects] == ["history/ana/thread-a.json"]


@pytest.mark.parametrize("person", ["", "../ben", "a/b", "a" * 65])
def test_a_token_that_names_no_person_has_no_history(person: str) -> None:
    with pytest.raises(ValueError, match="no person"):
        S3Store(Bucket(), "data", person)


def test_a_change_by_another_tab_in_between_is_not_lost() -> None:
    bucket = Bucket()
    store = S3Store(bucket, "data", "ana")
    history.add_turn(store, "a", turn(1), NOW)
    bucket.meddle = lambda: (history.add_turn(store, "a", turn(2), NOW), None)[1]
    history.add_turn(store, "a", turn(3), NOW)
    assert [each["id"] for each in history.thread(store, "a")["turns"]] == ["t1", "t2", "t3"]


def test_a_long_first_question_is_cut_between_words() -> None:
    name = history.title("revenue " * 40)
    assert len(name) <= 80 and name.endswith("revenue…")
