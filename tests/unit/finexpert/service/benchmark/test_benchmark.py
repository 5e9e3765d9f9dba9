"""A benchmark: consent, money, grading, and findings that are right as often as they say."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from finexpert.cli.main import app
from finexpert.errors import UserError
from finexpert.service.benchmark import askers, judging, planning, questions, report, running
from finexpert.service.benchmark import contestants as who
from finexpert.service.benchmark.askers import Failed, Reply
from finexpert.service.benchmark.contestants import Contestant
from tests.fakes.chat_service import chat_service
from tests.unit.finexpert.service.benchmark.benchmark_items import items, run, written


@pytest.mark.parametrize(
    ("text", "kind", "receiver"),
    [
        ("a=tuned", "tuned", ""),
        ("a=base+docs", "base+docs", ""),
        ("a=bedrock:amazon.nova-lite-v1:0+docs", "bedrock:amazon.nova-lite-v1:0+docs", "bedrock"),
        (
            "a=openai:https://api.example.com/v1#m-1",
            "openai:https://api.example.com/v1#m-1",
            "openai:api.example.com",
        ),
        ("a=openai:http://127.0.0.1:8000/v1#m", "openai:http://127.0.0.1:8000/v1#m", ""),
        ("a=answers:given.csv", "answers:given.csv", ""),
    ],
)
def test_a_contestant_is_read_and_says_where_questions_go(text: str, kind: str, receiver: str) -> None:
    contestant = who.parse(text)
    assert (contestant.name, contestant.written, contestant.receiver) == ("a", kind, receiver)


@pytest.mark.parametrize(
    "text", ["a", "=tuned", "a=", "a=gpt", "a=openai:ftp://x#m", "a=bedrock:", "a b=tuned"]
)
def test_what_is_no_contestant_is_refused_with_the_kinds(text: str) -> None:
    with pytest.raises(UserError) as error:
        who.parse(text)
    assert "answers:FILE.csv" in error.value.fix


@pytest.mark.parametrize(
    ("kind", "send_to", "data", "why"),
    [
        ("bedrock:amazon.nova-lite-v1:0", [], "public", "would send your questions to bedrock"),
        ("openai:https://api.example.com/v1#m", ["bedrock"], "public", "openai:api.example.com"),
        ("openai:https://api.example.com/v1#m", ["openai:api.example.com"], "internal", "third party"),
        ("bedrock:us.amazon.nova-lite-v1:0", ["bedrock"], "internal", "several regions"),
        ("bedrock:jp.amazon.nova-lite-v1:0", ["bedrock"], "internal", "several regions"),
        (
            "bedrock:arn:aws:bedrock:us-east-1:111122223333:inference-profile/eu.amazon.nova-lite-v1:0",
            ["bedrock"],
            "internal",
            "several regions",
        ),
    ],
)
def test_nothing_leaves_without_consent(kind: str, send_to: list[str], data: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        who.refuse_without_consent([who.parse(f"a={kind}")], send_to, data)


@pytest.mark.parametrize("mode", ["default", "provider_data_share", "", None])
def test_internal_data_stay_unless_bedrock_keeps_nothing(mode: str | None) -> None:
    class Bedrock:
        def get_account_data_retention(self) -> dict[str, Any]:
            if mode is None:
                raise AttributeError("no such call")
            return {"mode": mode}

    kept = who.retention(Bedrock())
    with pytest.raises(UserError, match="keeps your traffic"):
        who.refuse_retention(kept, "internal")
    who.refuse_retention(kept, "public")
    who.refuse_retention("none", "internal")


@pytest.fixture
def server() -> Iterator[tuple[str, list[bytes]]]:
    """A server that speaks OpenAI's protocol and keeps every byte that it gets."""
    got: list[bytes] = []

    with chat_service(lambda body: ("100", {"prompt_tokens": 5}), got) as address:
        yield address, got


def test_a_server_gets_each_prompt_once_however_often_the_run_is_repeated(
    server: tuple[str, list[bytes]], tmp_path: Path
) -> None:
    url, got = server
    contestant = who.parse(f"a=openai:{url}#m")
    for _ in range(2):
        result = run(items(3), contestant, askers.openai(contestant), tmp_path, limit_usd=0.0)
        assert result["contestants"][0]["correct"] == 1
    assert len(got) == 3 and all(b"What was figure" in body for body in got)


def test_no_prompt_follows_a_server_that_points_elsewhere(tmp_path: Path) -> None:
    reached: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(307 if self.path.startswith("/v1") else 200)
            self.send_header("Location", "/other")
            self.send_header("Content-Length", "0")
            self.end_headers()
            reached.append(self.path)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as pointing:
        threading.Thread(target=pointing.serve_forever, daemon=True).start()
        contestant = who.parse(f"a=openai:http://127.0.0.1:{pointing.server_port}/v1#m")
        with pytest.raises(Failed, match="307"):
            askers.openai(contestant)("secret")
        pointing.shutdown()
    assert reached == ["/v1/chat/completions"]


def test_nothing_more_is_sent_after_an_interruption(tmp_path: Path) -> None:
    sent: list[str] = []

    def ask(prompt: str) -> Reply:
        sent.append(prompt)
        if len(sent) == 6:
            raise KeyboardInterrupt
        if len(sent) > 6:  # still on their way when the interruption arrives
            time.sleep(0.5)
        return Reply("100")

    contestant = Contestant("a", "tuned")
    with pytest.raises(KeyboardInterrupt):
        run(items(400), contestant, ask, tmp_path, limit_usd=0.0)
    assert len(sent) < 100, "what was not sent is not sent"
    before, again = len(running.Cache(tmp_path / "c")), len(sent)
    run(items(400), contestant, lambda prompt: sent.append(prompt) or Reply("100"), tmp_path, limit_usd=0.0)
    assert len(sent) - again == 400 - before, "no answer is asked for twice"


def test_what_another_try_does_not_change_is_not_tried_again(tmp_path: Path) -> None:
    tries: list[str] = []

    def ask(prompt: str) -> Reply:
        tries.append(prompt)
        raise Failed("AccessDeniedException", again=False)

    (row,) = run(items(2), Contestant("a", "tuned"), ask, tmp_path, limit_usd=0)["contestants"]
    assert (row["failed"], len(tries), row["problem"]) == (2, 2, "AccessDeniedException")


def test_the_worst_case_is_known_before_anything_is_sent() -> None:
    named = [who.parse("a=bedrock:amazon.nova-lite-v1:0"), who.parse("b=answers:x.csv")]
    first, second = planning.plan(items(10), named, None)
    tokens = sum(planning.tokens_at_most(planning.prompt_of(item, None)) for item in items(10))
    assert first.worst_usd == pytest.approx((tokens * 0.06 + 10 * 256 * 0.24) / 1e6)
    assert second.worst_usd == 0.0
    planning.admit([first, second], 1.0)
    with pytest.raises(UserError, match="more than the limit"):
        planning.admit([first, second], 0.0001)
    with pytest.raises(UserError, match="No price is known for c"):
        planning.admit(planning.plan(items(1), [who.parse("c=bedrock:nobody.knows")], None), 1.0)


def test_nothing_more_is_sent_when_the_limit_is_reached(tmp_path: Path) -> None:
    contestant = who.parse("a=bedrock:amazon.nova-pro-v1:0")
    sent: list[str] = []

    def ask(prompt: str) -> Reply:
        sent.append(prompt)
        return Reply("100", 0.1, input_tokens=1000, output_tokens=256)

    (row,) = run(items(40), contestant, ask, tmp_path, limit_usd=0.01)["contestants"]
    assert row["usd"] <= 0.01 and 0 < len(sent) < 40
    assert row["failed"] == 40 - len(sent), "what was not asked counts as failed, not as wrong"


def test_failures_are_tried_again_then_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PAUSE_SECONDS", 0.0)
    tries: dict[str, int] = {}

    def ask(prompt: str) -> Reply:
        tries[prompt] = tries.get(prompt, 0) + 1
        if "figure 1?" in prompt or tries[prompt] < 2:
            raise Failed("throttled")
        return Reply("100")

    (row,) = run(items(2), Contestant("a", "tuned"), ask, tmp_path, limit_usd=0.0)["contestants"]
    assert (row["correct"], row["failed"]) == (1, 1)
    assert sorted(tries.values()) == [2, 3]


def test_answers_of_another_adapter_region_or_length_are_asked_for_again() -> None:
    named = who.parse("a=tuned")
    others = [replace(named, version="s3://b/run-2"), replace(named, most_tokens=24), who.parse("a=base")]
    keys = {running.Cache.key(each, "What?") for each in (named, *others)}
    assert len(keys) == 4 and running.Cache.key(who.parse("b=tuned"), "What?") in keys


def test_a_torn_line_of_the_cache_is_passed_over(tmp_path: Path) -> None:
    cache = running.Cache(tmp_path / "c")
    cache.put("k", Reply("kept"))
    with (tmp_path / "c").open("a") as file:
        file.write('{"key": "torn", "re')
    assert len(again := running.Cache(tmp_path / "c")) == 1
    assert again.get("k") == Reply("kept")


def test_answers_are_read_from_what_spreadsheets_write(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes('\ufeffID;Answer\r\n1;"$1,250 million"\r\n2;\r\n\r\n'.encode())
    assert questions.pasted(tmp_path / "a.csv") == {"1": "$1,250 million", "2": ""}
    (tmp_path / "b.csv").write_text("id,answer\n1,2\n1,3\n")
    with pytest.raises(UserError, match="two answers"):
        questions.pasted(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("question,text\n1,2\n")
    with pytest.raises(UserError, match="columns"):
        questions.pasted(tmp_path / "c.csv")


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffid,answer\r\n1,100\r\n2,x\r\n".encode(),
        "id;answer\n1;100\n2;x\n".encode("utf-16"),
        b"sep=;\r\nid;answer\r\n1;100\r\n2;x\r\n",
        b"\n\nID\tAnswer\tnote\n001\t100\tseen\n2.0\tx\t\n",
        b"id|answer\n1|100\n2|x\n",
        b'"id","answer"\n"1","100"\n"2","x"\n"9","of another file"\n',
        b"answer,id\n100,1\nx,2\n,\n",
    ],
)
def test_pasted_answers_find_their_questions(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert questions.matched(questions.pasted(path), ["1", "2"]) == {"1": "100", "2": "x"}


def test_a_number_that_could_be_two_questions_answers_none(tmp_path: Path) -> None:
    assert questions.matched({"1.0": "x"}, ["1", "01"]) == {}


def test_missing_answers_failed_and_empty_ones_were_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,answer\nq0,100\nq1,\nzz,5\n")
    said: list[str] = []
    contestant = who.parse(f"a=answers:{tmp_path / 'a.csv'}")
    (row,) = run(items(3), contestant, None, tmp_path, limit_usd=0, progress=said.append)["contestants"]
    assert [row[key] for key in ("correct", "wrong", "refused", "failed")] == [1, 0, 1, 1]
    assert "q2 is not in" in said[-1]


@pytest.mark.parametrize("name", ["nothing.csv", "folder"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="cannot be read"):
        questions.pasted(tmp_path / name)


def test_questions_keep_their_document_together(tmp_path: Path) -> None:
    lines = [{"id": str(n), "question": "What?", "answer": n + 1, "document": f"d{n // 2}"} for n in range(4)]
    found = questions.read(written(tmp_path / "q.jsonl", lines))
    assert [item.group for item in found] == ["d0", "d0", "d1", "d1"]


def test_a_public_set_and_a_table_are_read_as_they_are(tmp_path: Path) -> None:
    qa = {"question": "What is x?", "answer": "1", "exe_ans": 1.0, "program": "x"}
    row = {"id": "f1", "pre_text": ["a"], "post_text": ["b"], "table": [["x", "1"]], "filename": "r.pdf"}
    (tmp_path / "finqa.json").write_text(json.dumps([row | {"qa": qa}]))
    (item,) = questions.read(tmp_path / "finqa.json")
    assert (item.id, item.question.answers) == ("f1", ("1",)) and "x" in item.question.context
    (tmp_path / "own.csv").write_text("id,question,answer,document\n7,What?,5,d\n")
    (item,) = questions.read(tmp_path / "own.csv")
    assert (item.id, item.group, item.question.answers) == ("7", "d", ("5",))


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "no questions"), ("{", "not valid JSON"), ("[1]", "not an object"), ('{"question": "a"}', "answer"),
     ('{"id": 1, "question": "a", "answer": 2}\n{"id": 1, "question": "b", "answer": 3}', "the id 1")],
)  # fmt: skip
def test_questions_that_cannot_be_used_say_why(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "q.jsonl").write_text(text)
    with pytest.raises(UserError, match=why):
        questions.read(tmp_path / "q.jsonl")


def test_pasted_answers_need_no_cloud_and_give_the_documented_json(tmp_path: Path) -> None:
    path = written(
        tmp_path / "q.jsonl",
        [{"id": str(n), "question": f"What was figure {n}?", "answer": 100 + n} for n in range(30)],
    )
    for name, offset in (("good", 0), ("poor", 7)):
        rows = "".join(f"{n},{100 + n + (offset if n % 2 else 0)}\n" for n in range(30))
        (tmp_path / f"{name}.csv").write_text(f"id,answer\n{rows}")
    named = [f"--contestant={name}=answers:{tmp_path / name}.csv" for name in ("good", "poor")]
    out = ["--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["benchmark", "run", str(path), *named, *out, "--json"])
    result = json.loads(done.stdout)
    found = [(row["name"], row["correct"], row["wrong"]) for row in result["contestants"]]
    assert found == [("good", 30, 0), ("poor", 15, 15)]
    counts = ["name", "correct", "wrong", "refused", "failed"]
    sums = ["usd", "usd_per_correct", "latency_p50", "latency_p95"]
    assert list(result["contestants"][0]) == counts + sums and list(result) == ["contestants", "pairs"]
    (pair,) = result["pairs"]
    assert set(pair) == {"a", "b", "difference", "interval", "p", "finding", "needed"}
    assert pair["finding"] == "a better" and pair["difference"] == 0.5
    page = (tmp_path / "out" / "benchmark.html").read_text()
    assert "good is better" in page and "Content-Security-Policy" in page
    shown = CliRunner().invoke(app, ["benchmark", "report", str(tmp_path / "out")])
    assert "good answers 30 of 30 questions correctly and is better than poor." in shown.stdout


def test_a_report_escapes_what_contestants_wrote() -> None:
    harmful = {"outcome": "wrong", "answer": "<script>alert(1)</script>"}
    given = {"a": harmful, "b": {"outcome": "right", "answer": "1"}}
    row = {"id": "1", "group": "g", "question": "<b>?", "right": ["1"], "scale": "", "given": given}
    summary = judging.summary("a", [[judging.Judged("wrong", "wrong", "x")]], [], 0.0)
    page = report.html({"contestants": [{**summary, "kind": "tuned"}], "pairs": [], "answers": [row]})
    assert "<script>" not in page and "<b>?" not in page
