"""Many clients at once, each with one request after the other, and what became of every request."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What clients saw.

    sent: requests that were begun.
    outcomes: how many ended how; a request without an answer counts as "lost: " and why.
    longest: seconds that the slowest answer took.
    """

    sent: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0

    @property
    def lost(self) -> dict[str, int]:
        """Requests that got no answer, by reason."""
        return {outcome: n for outcome, n in self.outcomes.items() if outcome.startswith("lost: ")}


def after(seconds: float) -> Callable[[Tally], bool]:
    """Enough is what has been asked in this time from now."""
    end = time.monotonic() + seconds
    return lambda tally: time.monotonic() >= end


def storm(ask: Callable[[], str], *, clients: int, until: Callable[[Tally], bool]) -> Tally:
    """Let clients ask until it is enough; a request that is under way at the end is waited for.

    ask: one request; answers how it ended, such as its HTTP status.
    """
    tally, lock = Tally(), threading.Lock()

    def client() -> None:
        while not until(tally):
            with lock:
                tally.sent += 1
            began = time.monotonic()
            try:
                outcome = ask()
            except Exception as error:  # this request has no answer, for any reason
                outcome = f"lost: {type(error).__name__}: {error}"
            with lock:
                tally.outcomes[outcome] += 1
                tally.longest = max(tally.longest, time.monotonic() - began)
            if outcome != "200":
                time.sleep(0.05)  # as a client does that is asked to come later

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally
