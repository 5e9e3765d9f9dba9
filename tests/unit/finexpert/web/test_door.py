"""Who may talk to the page's server on this machine."""

import pytest

from finexpert.web.door import Door
from finexpert.web.http import Problem

DOOR = Door(8765, "the-key")
OWN = {"host": "127.0.0.1:8765", "authorization": "Bearer the-key", "sec-fetch-site": "same-origin"}


@pytest.mark.parametrize(
    "headers",
    [
        OWN,
        {**OWN, "host": "localhost:8765", "origin": "http://localhost:8765"},
        {**OWN, "origin": "http://127.0.0.1:8765"},
        {"host": "127.0.0.1:8765", "authorization": "Bearer the-key"},  # not a browser
    ],
)
def test_the_own_page_comes_in(headers: dict[str, str]) -> None:
    DOOR.check("/api/session", headers)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({**OWN, "host": "evil.example:8765"}, 403),  # a name that was made to point here
        ({**OWN, "host": "127.0.0.1:9999"}, 403),
        ({**OWN, "host": "127.0.0.1"}, 403),
        ({name: value for name, value in OWN.items() if name != "host"}, 403),
        ({**OWN, "origin": "https://evil.example"}, 403),
        ({**OWN, "origin": "http://127.0.0.1:9999"}, 403),
        ({**OWN, "origin": "null"}, 403),  # a sandboxed frame
        ({**OWN, "sec-fetch-site": "cross-site"}, 403),
        ({**OWN, "sec-fetch-site": "same-site"}, 403),  # another port of this machine
        ({**OWN, "authorization": ""}, 401),
        ({**OWN, "authorization": "the-key"}, 401),
        ({**OWN, "authorization": "Bearer the-kez"}, 401),
        ({**OWN, "authorization": "Bearer the-key "}, 401),
        ({**OWN, "authorization": "Bearer schlüssel"}, 401),
    ],
)
def test_no_one_else_does(headers: dict[str, str], status: int) -> None:
    with pytest.raises(Problem) as refused:
        DOOR.check("/api/session", headers)
    assert refused.value.status == status
    assert "the-key" not in str(refused.value.document())


def test_the_page_itself_needs_no_key_but_the_right_name() -> None:
    DOOR.check("/", {"host": "127.0.0.1:8765"})
    with pytest.raises(Problem):
        DOOR.check("/", {"host": "evil.example"})
