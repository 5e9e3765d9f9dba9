"""A benchmark's requests: what leaves for whom, how often, at which price, and what failures may cost."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber
from typer.testing import CliRunner

from core.documents import store
from finexpert.cli.main import app
from finexpert.errors import UserError
from finexpert.service.benchmark import askers, conducting, judging, planning, questions, report, running
from finexpert.service.benchmark import contestants as who
from finexpert.service.benchmark.askers import Failed, Reply
from finexpert.service.benchmark.contestants import Contestant
from finexpert.service.money import costs
from tests.fakes import filings
from tests.fakes.chat_service import chat_service
from tests.unit.finexpert.service.benchmark.benchmark_items import items, run, written

NOVA = "bedrock:amazon.nova-lite-v1:0"
SURCHARGE = 1.1
"""Within a region or a geography, over any region: archestra-ai/archestra#6912."""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PAUSE_SECONDS", 0.0)


# --- what leaves for whom


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """A proxy that answers for every host and keeps every byte of what was to leave this machine."""
    got: list[bytes] = []

    with chat_service(lambda body: ("100", {"prompt_tokens": 9}), got) as address:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, address.removesuffix("/v1"))
        for name in ("no_proxy", "NO_PROXY", "OPENAI_API_KEY"):
            monkeypatch.delenv(name, raising=False)
        yield got


@pytest.mark.parametrize(
    ("agreed", "said"),
    [
        ([], "--send-to openai:api.example.com"),
        (["--send-to", "openai:api.example.com"], "internal"),
        (["--send-to", "openai:example.com", "--data", "public"], "--send-to openai:api.example.com"),
        (["--send-to", "openai:api.example.com", "--data", "public", "--limit-usd", "0"], "more than"),
    ],
)
def test_no_byte_leaves_before_consent_and_money_are_clear(
    proxy: list[bytes], tmp_path: Path, agreed: list[str], said: str
) -> None:
    done = _benchmark(tmp_path, *agreed)
    assert done.exit_code != 0 and proxy == []
    assert isinstance(done.exception, UserError)
    assert said in f"{done.exception} {done.exception.fix}"


def test_after_consent_the_prompts_leave_once_and_nothing_else(proxy: list[bytes], tmp_path: Path) -> None:
    agreed = ["--send-to", "openai:api.example.com", "--data", "public"]
    done = _benchmark(tmp_path, *agreed)
    assert done.exit_code == 0, done.output
    assert "2 prompts" in done.stderr and "leave for openai:api.example.com" in done.stderr
    assert done.stderr.index("leave for") < done.stderr.rindex("m (openai:http"), "it is said first"
    assert "how long it keeps what it gets" in done.stderr
    assert len(proxy) == 2 and all(b"POST http://api.example.com/v1/chat/completions" in got for got in proxy)
    bodies = [json.loads(got.rpartition(b"\n")[2]) for got in proxy]
    sent = sorted(body["messages"][0]["content"] for body in bodies)
    assert sent == sorted(planning.prompt_of(item, None) for item in items(2))
    assert all(set(body) == {"model", "messages", "max_tokens", "temperature"} for body in bodies)
    _benchmark(tmp_path, *agreed)
    assert len(proxy) == 2, "a second run asks for nothing that is known"


def _benchmark(folder: Path, *agreed: str) -> Any:
    lines = [{"id": f"q{n}", "question": f"What was figure {n}?", "answer": 100 + n} for n in range(2)]
    file = written(folder / "q.jsonl", lines)
    named = ["--contestant", "m=openai:http://api.example.com/v1#m", "--price", "m=2.5/10"]
    out = ["--out", str(folder / "out")]
    return CliRunner().invoke(app, ["benchmark", "run", str(file), *named, *agreed, *out])


class Bedrock:
    """Bedrock's two clients: what the account lets it keep, and every prompt that reached it."""

    endpoint_url = None

    def __init__(self, mode: str) -> None:
        self.mode, self.sent = mode, list[str]()

    def session(self) -> Self:
        return self

    def client(self, service: str, **_: Any) -> Self:
        return self

    def get_account_data_retention(self) -> dict[str, str]:
        return {"mode": self.mode}

    def converse(self, **asked: Any) -> dict[str, Any]:
        self.sent.append(asked["messages"][0]["content"][0]["text"])
        usage = {"inputTokens": 90, "outputTokens": 3}
        return {"output": {"message": {"content": [{"text": "100"}]}}, "usage": usage}


@pytest.mark.parametrize(
    ("mode", "data", "model", "kept"),
    [
        ("none", "internal", "amazon.nova-lite-v1:0", "nothing is kept"),
        ("default", "public", "us.amazon.nova-lite-v1:0", "up to 30 days"),
        ("default", "internal", "amazon.nova-lite-v1:0", ""),
        ("provider_data_share", "internal", "amazon.nova-lite-v1:0", ""),
        ("none", "internal", "us.amazon.nova-lite-v1:0", ""),
    ],
)
def test_bedrock_gets_internal_data_only_where_it_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, data: str, model: str, kept: str
) -> None:
    said: list[str] = []
    bedrock = Bedrock(mode)
    monkeypatch.setattr(costs, "absence", lambda app: "not deployed")
    settings = SimpleNamespace(region="us-east-1", base_model="", base_model_version="", base_model_uri="")
    deployment: Any = SimpleNamespace(target=bedrock, settings=settings)

    def conduct() -> dict[str, Any]:
        return conducting.conduct(
            items(2),
            [who.parse(f"a=bedrock:{model}")],
            terms=conducting.Terms(send_to=["bedrock"], data=data),
            out=tmp_path,
            deployment=lambda: deployment,
            say=lambda line: said.append(f"{len(bedrock.sent)} sent: {line}"),
        )

    if not kept:
        with pytest.raises(UserError, match="internal"):
            conduct()
        assert bedrock.sent == []
        return
    assert conduct()["contestants"][0]["correct"] == 1
    assert len(bedrock.sent) == 2
    assert any(line.startswith("0 sent: bedrock, us-east-1") and kept in line for line in said)
    assert any(line.startswith("0 sent: ") and "leave for bedrock" in line for line in said)


# --- prices


def test_a_request_that_may_go_to_any_region_has_its_own_price() -> None:
    def price(model: str) -> float:
        (plan,) = planning.plan(items(3), [who.parse(f"a=bedrock:{model}")], None)
        assert plan.worst_usd is not None
        return plan.worst_usd

    inside, geography = price("amazon.nova-2-lite-v1:0"), price("us.amazon.nova-2-lite-v1:0")
    assert inside == geography == pytest.approx(SURCHARGE * price("global.amazon.nova-2-lite-v1:0"))
    arn = "arn:aws:bedrock:us-east-1:111122223333:inference-profile/global.amazon.nova-2-lite-v1:0"
    assert price(arn) == price("global.amazon.nova-2-lite-v1:0")
    assert price("global.amazon.nova-pro-v1:0") == price("amazon.nova-pro-v1:0"), "never too little"


def test_dollars_that_are_spent_have_the_surcharge_too(tmp_path: Path) -> None:
    def usd(model: str) -> float:
        reply = Reply("100", 0.1, input_tokens=1000, output_tokens=100)
        contestant = who.parse(f"a=bedrock:{model}")
        (row,) = run(items(2), contestant, lambda prompt: reply, tmp_path / model)["contestants"]
        return float(row["usd"])

    regional = usd("us.amazon.nova-2-lite-v1:0")
    assert regional == pytest.approx(2 * (1000 * 0.33 + 100 * 2.75) / 1e6)
    assert regional == pytest.approx(SURCHARGE * usd("global.amazon.nova-2-lite-v1:0"), abs=1e-6)


def test_a_price_of_another_region_is_refused_with_the_command_that_reads_it() -> None:
    who.refuse_price_of_elsewhere([who.parse(f"a={NOVA}")], "us-east-1")
    with pytest.raises(UserError, match="known for us-east-1, and the app is in eu-west-1") as refused:
        who.refuse_price_of_elsewhere([who.parse(f"a={NOVA}"), who.parse("b=tuned")], "eu-west-1")
    assert "prices refresh amazon.nova-lite-v1:0 --region eu-west-1" in refused.value.fix
    named = who.priced([who.parse(f"a={NOVA}")], ["a=0.1/0.4"])
    who.refuse_price_of_elsewhere(named, "eu-west-1")
    assert named[0].price == {"input": 0.1, "output": 0.4}


@pytest.mark.parametrize("text", ["a=1", "a=-1/2", "b=1/2", "t=1/2", "a=1/2/3", "1/2"])
def test_a_price_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="no price of a contestant"):
        who.priced([who.parse("a=openai:https://api.example.com/v1#m"), who.parse("t=tuned")], [text])


@pytest.mark.parametrize(
    ("prompt", "tokens"), [("revenue", 3), ("12,345.6", 8), ("收入", 6), ("a b", 2), ("net sales\n1 | 2", 7)]
)
def test_digits_signs_and_other_scripts_count_as_tokens_of_their_own(prompt: str, tokens: int) -> None:
    counted = planning.tokens_at_most(prompt) - planning.TEMPLATE_TOKENS
    assert tokens <= counted <= tokens + 2


# --- repetitions


def test_repetitions_are_asked_stored_and_paid_for_one_by_one(tmp_path: Path) -> None:
    contestant, sent = who.parse(f"a={NOVA}"), []

    def ask(prompt: str) -> Reply:
        sent.append(prompt)
        return Reply("100", 0.1, input_tokens=100_000, output_tokens=1000)

    (once,) = planning.plan(items(4), [contestant], None)
    (thrice,) = planning.plan(items(4), [contestant], None, repetitions=3)
    assert thrice.requests == 12 and thrice.input_tokens == 3 * once.input_tokens
    assert once.worst_usd and thrice.worst_usd == pytest.approx(3 * once.worst_usd)
    first = run(items(4), contestant, ask, tmp_path)["contestants"][0]
    assert len(sent) == 4
    again = run(items(4), contestant, ask, tmp_path, repetitions=3)["contestants"][0]
    assert len(sent) == 12, "the first answer to each question is the one that was stored"
    assert again["usd"] == pytest.approx(3 * first["usd"])
    assert [again[key] for key in ("correct", "wrong")] == [1, 3], "counts are of questions"
    assert again["usd_per_correct"] == pytest.approx(again["usd"] / 3)
    run(items(4), contestant, ask, tmp_path, repetitions=2)
    assert len(sent) == 12


def test_a_question_counts_once_with_the_share_of_its_right_answers(tmp_path: Path) -> None:
    answers = iter(["100", "7", "100", "n/a"])
    contestant = who.parse("a=tuned")
    result = run(items(1), contestant, lambda prompt: Reply(next(answers), 0.1), tmp_path, repetitions=4)
    (row,), (answer,) = result["contestants"], result["answers"]
    assert [row[key] for key in ("correct", "wrong", "refused", "failed")] == [0.5, 0.25, 0.25, 0]
    assert answer["given"]["a"]["outcome"] == "right 2 of 4, wrong 1 of 4, declined 1 of 4"


def test_repeated_answers_do_not_make_more_questions() -> None:
    right, wrong = judging.Judged("correct", "", ""), judging.Judged("wrong", "", "")
    asked = items(40)
    once = {"a": [[right]] * 24 + [[wrong]] * 16, "b": [[right]] * 20 + [[wrong]] * 20}
    (single,) = judging.pairs(asked, once)
    (many,) = judging.pairs(asked, {name: [3 * each for each in of] for name, of in once.items()})
    assert single == many, "the same answers again are no new evidence"
    mixed = {"a": [[right, right, wrong]] * 40, "b": [[right, wrong, wrong]] * 40}
    (pair,) = judging.pairs(asked, mixed)
    assert pair["difference"] == pytest.approx(1 / 3, abs=1e-5) and pair["finding"] == "a better"


def test_pasted_answers_are_given_once_beside_repeated_ones(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,answer\nq0,100\nq1,5\n")
    named = [who.parse(f"p=answers:{tmp_path / 'p.csv'}"), who.parse("a=tuned")]
    cache = running.Cache(tmp_path / "c")
    asker = {"a": lambda prompt: Reply("100", 0.1)}
    result = running.run(items(2), named, asker, cache=cache, limit_usd=0.0, repetitions=2)
    assert [row["correct"] for row in result["contestants"]] == [1, 1]
    assert result["pairs"][0]["difference"] == 0


def test_the_command_takes_repetitions_and_plans_with_them(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"id": "1", "question": "What?", "answer": 5}\n')
    asked = [str(tmp_path / "q.jsonl"), "--contestant", f"a={NOVA}", "--json"]
    plans = [
        json.loads(CliRunner().invoke(app, ["benchmark", "plan", *asked, *more]).stdout)["contestants"][0]
        for more in ([], ["--repetitions", "3"])
    ]
    assert [each["requests"] for each in plans] == [1, 3]
    assert plans[1]["worst_usd"] == pytest.approx(3 * plans[0]["worst_usd"])


# --- failures


def converse(status: int, code: str) -> Failed:
    """How a request ends that Bedrock answers with an error."""
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with Stubber(client) as stub:
        stub.add_client_error("converse", code, "said", http_status_code=status)
        with pytest.raises(Failed) as failed:
            askers.bedrock(client, who.parse(f"a={NOVA}"))("What?")
    return failed.value


@pytest.mark.parametrize(
    ("status", "code", "again", "billed"),
    [
        (429, "ThrottlingException", True, False),
        (403, "AccessDeniedException", False, False),
        (400, "ValidationException", False, False),
        (408, "ModelTimeoutException", True, True),
        (424, "ModelErrorException", True, True),
        (500, "InternalServerException", True, True),
        (503, "ServiceUnavailableException", True, True),
    ],
)
def test_only_a_refusal_is_known_to_cost_nothing(status: int, code: str, again: bool, billed: bool) -> None:
    failed = converse(status, code)
    assert (failed.again, failed.billed) == (again, billed)


def test_an_answer_that_is_lost_on_its_way_may_be_billed() -> None:
    class Lost:
        def converse(self, **_: Any) -> Any:
            raise ReadTimeoutError(endpoint_url="https://x")

    with pytest.raises(Failed) as failed:
        askers.bedrock(Lost(), who.parse(f"a={NOVA}"))("What?")
    assert failed.value.billed


def test_requests_without_an_answer_count_with_the_most_that_they_may_have_cost(tmp_path: Path) -> None:
    contestant, counted = who.parse(f"a={NOVA}"), []

    def ask(prompt: str) -> Reply:
        raise Failed("ModelTimeoutException")

    result = run(items(1), contestant, ask, tmp_path, spent=lambda each, usd: counted.append(usd))
    (row,) = result["contestants"]
    worst = planning.worst_usd(contestant, planning.prompt_of(items(1)[0], None))
    tries = running.TRIES_THAT_MAY_COST
    assert row["failed"] == 1 and row["usd"] == pytest.approx(tries * worst, abs=1e-6)
    assert sum(counted) == pytest.approx(tries * worst), "the month counts them too"
    assert "requests without an answer may have cost" in report.markdown(result)


def test_a_refused_request_is_free_and_tried_again(tmp_path: Path) -> None:
    tries = []

    def ask(prompt: str) -> Reply:
        tries.append(prompt)
        raise Failed("ThrottlingException", billed=False)

    (row,) = run(items(1), who.parse(f"a={NOVA}"), ask, tmp_path)["contestants"]
    assert (row["failed"], row["usd"], len(tries)) == (1, 0.0, running.TRIES)


def test_failures_that_may_be_billed_were_admitted(tmp_path: Path) -> None:
    contestant = who.parse(f"a={NOVA}")
    (plan,) = planning.plan(items(20), [contestant], None)
    assert plan.worst_usd

    def ask(prompt: str) -> Reply:
        raise Failed("InternalServerException")

    (row,) = run(items(20), contestant, ask, tmp_path, limit_usd=plan.worst_usd)["contestants"]
    assert row["failed"] == 20 and row["usd"] <= plan.worst_usd + 1e-6


def test_an_answer_without_token_counts_is_never_free(tmp_path: Path) -> None:
    (row,) = run(items(1), who.parse(f"a={NOVA}"), lambda prompt: Reply("100", 0.1), tmp_path)["contestants"]
    assert row["correct"] == 1 and row["usd"] > 0


def test_the_endpoints_answers_cost_its_time(tmp_path: Path) -> None:
    contestant = Contestant("a", "tuned", usd_per_hour=1.515)
    (row,) = run(items(8), contestant, lambda prompt: Reply("100", 18.0), tmp_path)["contestants"]
    assert row["usd"] == pytest.approx(8 * 18 / running.PARALLEL / 3600 * 1.515, abs=1e-6)


# --- questions from documents, and the report


def test_questions_are_made_from_the_figures_of_documents(tmp_path: Path) -> None:
    index = filings.shelf(tmp_path)
    made = questions.from_documents(index, 6)
    assert made and len({item.id for item in made}) == len(made) <= 6
    assert all(item.group == item.question.source for item in made), "a document's questions err together"
    rows = [f'{item.id},"{item.question.answers[0]}"\n' for item in made]
    (tmp_path / "a.csv").write_text("id,answer\n" + "".join(rows))
    asked = ["documents", "--index", str(index), "--most", "6", "--json", "--out", str(tmp_path / "out")]
    named = f"a=answers:{tmp_path / 'a.csv'}"
    done = CliRunner().invoke(app, ["benchmark", "run", *asked, "--contestant", named])
    assert json.loads(done.stdout)["contestants"][0]["correct"] == len(made)
    with pytest.raises(store.IndexProblem, match="finexpert docs add"):
        questions.from_documents(tmp_path / "nothing", 6)


def test_the_report_shows_the_template_and_the_end_of_each_answer(tmp_path: Path) -> None:
    named = [who.parse(each) for each in ("t=tuned", f"n={NOVA}", "o=openai:http://127.0.0.1/v1#m")]
    made = {"asked_as": {each.name: each.asked_as for each in named}, "repetitions": 3}
    summary = judging.summary("t", [[judging.Judged("wrong", "wrong", "x")]], [], 0.0)
    given = {"t": {"outcome": "wrong", "answer": "x"}}
    answer = {"id": "1", "group": "g", "question": "?", "right": ["1"], "scale": "", "given": given}
    result = {"contestants": [{**summary, "kind": "tuned"}], "pairs": [], "answers": [answer], "made": made}
    for shown in (report.html(result), report.markdown(result)):
        assert "without a chat template" in shown and "end-of-text token" in shown
        assert "chat template; no stop marks" in shown and "asked 3 times" in shown
    pasted = {**result, "contestants": [{**summary, "kind": "answers:a.csv"}]}
    assert "times" not in report.markdown(pasted), "pasted answers are given once"
