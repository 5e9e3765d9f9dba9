"""The history over the page's API: kept, searched, named, rated, deleted."""

from typing import Any

import pytest

from tests.unit.finexpert.web.web_app import Ask

ANSWERS = [{"model": "tuned", "text": "It rose."}]
TURN: dict[str, Any] = {"id": "t1", "prompt": "What was revenue?", "answers": ANSWERS}


def test_a_thread_over_the_api(ask: Ask) -> None:
    assert ask("GET", "/api/threads") == (200, {"threads": []})
    status, kept = ask("POST", "/api/threads/a-1/turns", TURN)
    began = kept["turns"][0]["at"]
    assert (status, kept["name"], began) == (200, TURN["prompt"], "2026-11-24T12:00:00+00:00")
    assert ask("POST", "/api/threads/a-1/name", {"name": "Revenue"})[1]["name"] == "Revenue"
    rating = {"model": "tuned", "thumb": "down", "note": "No figure"}
    rated = ask("POST", "/api/threads/a-1/turns/t1/rating", rating)[1]
    assert rated["turns"][0]["answers"][0]["thumb"] == "down"
    assert [each["id"] for each in ask("GET", "/api/threads", search="figure")[1]["threads"]] == ["a-1"]
    assert ask("GET", "/api/threads", search="nowhere")[1]["threads"] == []
    assert ask("GET", "/api/threads/a-1")[1] == rated
    assert ask("POST", "/api/threads/a-1/remove", {})[0] == 200
    assert ask("GET", "/api/threads/a-1")[0] == 404
    ask("POST", "/api/threads/a-2/turns", TURN)
    ask("POST", "/api/threads/clear", {})
    assert ask("GET", "/api/threads")[1] == {"threads": []}


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/api/threads/a/turns", {}),
        ("/api/threads/a/name", {"name": 1}),
        ("/api/threads/a/name", {"name": ""}),
        ("/api/threads/a/turns/t/rating", {"model": 1}),
        ("/api/threads/..%2f/turns", TURN),
    ],
)
def test_what_cannot_be_kept_is_refused(ask: Ask, path: str, document: Any) -> None:
    assert ask("POST", path, document)[0] in (404, 409, 422)


def test_a_question_in_a_thread_that_is_gone_is_refused(ask: Ask) -> None:
    sent = {"prompt": "Shorter", "thread": "gone", "turns": 1}
    assert ask("POST", "/api/ask", sent)[0] == 404
    assert ask("POST", "/api/ask", {**sent, "turns": "1"})[0] == 422
