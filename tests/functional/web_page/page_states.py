"""Every state of the page that somebody designed: how it comes about, and what must be on the screen then."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from playwright.sync_api import Page

from finexpert.web.http import Problem, bad_input
from tests.functional.web_page import scripted_documents as documents
from tests.functional.web_page.scripted_api import ScriptedApi

LETTERS: Any = {"name": "letters.csv", "mimeType": "text/csv", "buffer": b"text\nRevenue rose.\n"}
QUESTIONS: Any = {"name": "ten.csv", "mimeType": "text/csv", "buffer": b"question,answer\nRevenue?,4\n"}
_THROTTLED = Problem(
    HTTPStatus.TOO_MANY_REQUESTS, "throttled", "AWS is being asked too much.", fix="Wait half a minute."
)
_BUDGET = Problem(
    HTTPStatus.CONFLICT, "budget_reached", "$23.10 of the month's limit of $23.00 is spent.", fix="Wait."
)
_UNREACHED = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The cloud does not answer.", fix="Is it running?"
)
_BAD_DATA = bad_input(
    "This file cannot be trained on.",
    where="letters.csv",
    fix="Correct the file and drop it again.",
    problems=("line 3: no column named text", "line 9: not UTF-8"),
)

Prepare = Callable[[ScriptedApi], Any]
Act = Callable[[Page], Any]


@dataclass(frozen=True)
class State:
    """A state. `shows`: a text that must be there; `prepare` and `act` bring it about."""

    name: str
    route: str
    shows: str
    prepare: Prepare = lambda api: None
    act: Act = lambda page: None


def _endpoint(state: str, **changes: Any) -> Prepare:
    return lambda api: setattr(api, "endpoint", documents.endpoint(state, **changes))


def _fault(path: str, problem: Problem) -> Prepare:
    return lambda api: api.faults.update({path: problem})


def _money(**changes: Any) -> Prepare:
    return lambda api: setattr(api, "money", documents.money(**changes))


def _run(document: documents.Document) -> Prepare:
    return lambda api: api.runs.update({documents.RUN: document})


def _ask(page: Page) -> None:
    page.locator(".pill").wait_for()  # until it knows the endpoint, the page queues nothing
    page.get_by_label("Your question").fill("The results are encouraging for aggressive investors")
    page.keyboard.press("Control+Enter")


def _ask_and_unfold(page: Page) -> None:
    _ask(page)
    page.locator(".history a").wait_for()
    page.get_by_text("Sampling settings").click()


def _rate(page: Page) -> None:
    _ask(page)
    page.get_by_role("button", name="Poor answer: Fine-tuned model", exact=True).click()
    page.get_by_role("button", name="Note", exact=True).last.click()
    page.get_by_label("Note on the answer").fill("The year is wrong.")
    page.get_by_role("button", name="Keep the note").click()


def _rename(page: Page) -> None:
    _ask(page)
    page.get_by_role("button", name="Rename").click()


def _two_questions(page: Page) -> None:
    _ask(page)
    page.get_by_role("button", name="Shorter").click()
    page.locator(".turn").nth(1).get_by_role("button", name="Shorter").wait_for()


def _try_again(page: Page) -> None:
    _ask(page)
    page.get_by_role("button", name="Try again").click()
    page.locator(".turn").nth(1).get_by_role("button", name="Try again").wait_for()


def _too_long(page: Page) -> None:
    page.get_by_text("Sampling settings").click()
    page.get_by_label("Longest answer").fill("5000")
    _ask(page)


def _search_in_vain(page: Page) -> None:
    _ask(page)
    page.get_by_label("Search").fill("nowhere")


def _practice(api: ScriptedApi) -> None:
    who = [documents.answerer(name, outcome="rejected", practice=True) for name in ("base", "tuned")]
    api.endpoint = documents.endpoint("awake", answerers=who)
    api.cut = True


def _beginner(api: ScriptedApi) -> None:
    api.listed.clear()
    api.documents["documents"] = []
    who = documents.answerer("tuned") | {"run": "", "description": "Llama 2 7B"}
    api.endpoint = documents.endpoint("asleep", answerers=[documents.answerer("base"), who], can_wake=False)


def _ask_own(page: Page) -> None:
    page.get_by_label("Or add them from a file").set_input_files(files=[QUESTIONS])
    page.get_by_role("button", name="Keep the questions").click()
    page.get_by_role("button", name="Ask them now").click()
    page.locator(".headline").wait_for()


def _settings(page: Page) -> None:
    _drop(page)
    page.get_by_text("Training settings").click()


def _name_run(page: Page) -> None:
    page.get_by_role("button", name="Rename").click()


def _ask_documents(question: str) -> Act:
    def act(page: Page) -> None:
        page.get_by_label("Ask your documents").fill(question)
        page.get_by_role("button", name="Ask", exact=True).click()

    return act


def _open_page(page: Page) -> None:
    _ask_documents("What was revenue in 2024?")(page)
    page.get_by_role("button", name="borealis-10k.html, page 2").click()


def _shelf(**changes: Any) -> Prepare:
    return lambda api: api.documents.update(changes)


def _drop(page: Page) -> None:
    page.get_by_label("Drop files").set_input_files(files=[LETTERS])


def _slow(api: ScriptedApi) -> None:
    api.pace.clear()


def _long(api: ScriptedApi) -> None:
    api.texts = {name: f"{text * 40} {'x' * 300}" for name, text in api.texts.items()}


_FAILED = documents.run(
    status="FAILED",
    stage_words="failed",
    outcome="",
    sentence="The container ran out of memory.",
    error="The container ran out of memory.",
    evaluation=None,
    own_questions=None,
    has_report=False,
    can_promote=False,
    losses=[],
)
_BENCHMARK: Any = {
    "sentence": "tuned answers 61 of 80 questions correctly and is better than base.",
    "contestants": [
        {"name": name, "correct": correct, "wrong": 80 - correct, "refused": 0, "failed": 0}
        | {"usd": 0.12, "usd_per_correct": 0.002, "latency_p50": 1.2}
        for name, correct in (("tuned", 61), ("base", 24))
    ],
}
_UNJUDGED = documents.CHECKED | {
    "report": documents.CHECKED["report"]
    | {"unjudged": "This run would be paid for in vain: 3 documents are held out and 6 are needed."}
}
_REJECTED = documents.run(
    outcome="rejected",
    can_promote=False,
    evaluation=documents.EVALUATION
    | {"passed": False, "failed": ["Too few documents to judge: 2 are held out, and 6 are needed."]},
)
_REFUSED = documents.CHECKED | {
    "plan": documents.CHECKED["plan"]
    | {
        "fits": False,
        "expected_usd": None,
        "sentence": "The worst case of $3.03 does not fit into the $1.20 that are left.",
    }
}
_WAKE_AND_ASK = "Wake and ask"

STATES = (
    State("start", "start", "Who answers"),
    State("start-beginner", "start", "Nothing has been trained yet", prepare=_beginner),
    State("start-practice", "start", "its sentences mean nothing", prepare=_practice),
    State("train", "train", "Drop files or folders"),
    State("train-example", "train/example", "The example company can be used"),
    State(
        "train-unjudged", "train", "Train all the same", lambda api: setattr(api, "checked", _UNJUDGED), _drop
    ),
    State("train-settings", "train", "Check again with these", act=_settings),
    State("questions", "questions", "Write ten questions"),
    State("questions-asked", "questions", "before 0, after 2 of 2", act=_ask_own),
    State("ask-practice", "ask", "Cut off at 64 tokens", prepare=_practice, act=_ask),
    State("ask-rated", "ask", "The year is wrong.", act=_rate),
    State("ask-rename", "ask", "Name of the thread", act=_rename),
    State("ask-follow-up", "ask", "but shorter", act=_two_questions),
    State("ask-again", "ask", "seed 12", act=_try_again),
    State("ask-out-of-range", "ask", "“5000” cannot be used", act=_too_long),
    State("ask-search", "ask", "Nothing holds these words", act=_search_in_vain),
    State("ask-gone-thread", "ask/nowhere", "There is no such thread"),
    State("endpoint-refused", "endpoint", "not accepted by the gate", prepare=_practice),
    State(
        "runs-benchmark", "runs", "tuned answers 61 of 80", lambda api: setattr(api, "benchmark", _BENCHMARK)
    ),
    State("run-rename", f"runs/{documents.RUN}", "Save", act=_name_run),
    State(
        "money-small",
        "money",
        "above this plot",
        prepare=_money(spent_usd=0.22, projected_usd=0.31, history=documents.small_history()),
    ),
    State("ask", "ask", "Try an example"),
    State("ask-answered", "ask", "History", act=_ask_and_unfold),
    State("ask-streaming", "ask", "Writing", prepare=_slow, act=_ask),
    State("ask-long", "ask", "History", prepare=_long, act=_ask),
    State("ask-asleep", "ask", _WAKE_AND_ASK, prepare=_endpoint("asleep"), act=_ask),
    State("ask-queued", "ask", "Waiting to ask", prepare=_endpoint("waking"), act=_ask),
    State("ask-throttled", "ask", "Too many requests", prepare=_fault("/ask", _THROTTLED), act=_ask),
    State("ask-gone", "ask", "not reachable", prepare=_fault("/ask", _UNREACHED), act=_ask),
    State("documents", "documents", "Your documents"),
    State("documents-none", "documents", "No documents yet", prepare=_shelf(documents=[])),
    State("documents-pushed", "documents", "docs push", prepare=_shelf(adds=False)),
    State("documents-figure", "documents", "$1,250 million", act=_ask_documents("What was revenue in 2024?")),
    State("documents-refused", "documents", "No answer", act=_ask_documents("What was revenue in 2010?")),
    State("documents-page", "documents", "Close the page", act=_open_page),
    State("endpoint-asleep", "endpoint", "Nothing is being charged", prepare=_endpoint("asleep")),
    State("endpoint-no-model", "endpoint", "no model", prepare=_endpoint("asleep", can_wake=False)),
    State("endpoint-waking", "endpoint", "Usually ready in", prepare=_endpoint("waking")),
    State("endpoint-awake", "endpoint", "in about 42 min"),
    State("endpoint-kept", "endpoint", "Never", prepare=_endpoint("awake", kept_until="always")),
    State("endpoint-going", "endpoint", "being removed", prepare=_endpoint("going_to_sleep")),
    State("endpoint-failed", "endpoint", "health check", prepare=_endpoint("failed")),
    State("endpoint-gone", "endpoint", "does not answer", prepare=_fault("/endpoint", _UNREACHED)),
    State("money", "money", "Where it went"),
    State(
        "money-reached", "money", "The budget is reached", prepare=_money(spent_usd=23.1, hours_to_limit=0)
    ),
    State("money-nothing", "money", "Nothing has run", prepare=_money(history=[], lines=[], spent_usd=0.0)),
    State("money-unread", "money", "Not in the sum", prepare=_money(unread=["eu-west-1: access denied"])),
    State("runs", "runs", "accepted"),
    State("runs-none", "runs", "Nothing trained yet", prepare=lambda api: api.listed.clear()),
    State("runs-checked", "runs", "can be used", act=_drop),
    State("runs-refused", "runs", "does not fit", lambda api: setattr(api, "checked", _REFUSED), _drop),
    State("runs-bad-file", "runs", "not UTF-8", prepare=_fault("/datasets", _BAD_DATA), act=_drop),
    State("runs-budget", "runs", "See what it was spent on", prepare=_fault("/datasets", _BUDGET), act=_drop),
    State("run-training", f"runs/{documents.RUN}", "Step 60 of 136", prepare=_run(documents.training(60))),
    State("run-accepted", f"runs/{documents.RUN}", "before 1, after 6 of 10"),
    State("run-rejected", f"runs/{documents.RUN}", "Why the gate said no", prepare=_run(_REJECTED)),
    State("run-failed", f"runs/{documents.RUN}", "out of memory", prepare=_run(_FAILED)),
    State("run-unknown", "runs/nobody", "There is no run nobody."),
    State("compare", f"compare/{documents.RUN}/{documents.OLDER}", "A better"),
)
