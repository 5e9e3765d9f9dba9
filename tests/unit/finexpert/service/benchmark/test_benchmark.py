"""A benchmark: consent, money, grading, and findings that are right as often as they say."""

import http.server
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench.benchmark_findings import KINDS, Kind, simulated
from core.dataset.questions import Question, questions_of
from finexpert.cli.main import app
from finexpert.errors import UserError
from finexpert.service.benchmark import askers, judging, planning, questions, report, running
from finexpert.service.benchmark import contestants as who
from finexpert.service.benchmark.askers import Failed, Reply
from finexpert.service.benchmark.contestants import Contestant
from finexpert.service.benchmark.questions import Item
from tests.fakes.chat_service import chat_service
from training.evaluation.statistics import mcnemar


def items(count: int, *, groups: int = 0) -> list[Item]:
    return [
        Item(
            Question(f"q{n}", "f", f"What was figure {n}?", (str(100 + n),)),
            f"g{n % groups if groups else n}",
        )
        for n in range(count)
    ]


def written(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


# --- contestants and consent


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
        result = running.run(
            items(3),
            [contestant],
            {"a": askers.openai(contestant)},
            cache=running.Cache(tmp_path / "c"),
            limit_usd=0.0,
        )
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

    cache = running.Cache(tmp_path / "c")
    with pytest.raises(KeyboardInterrupt):
        running.run(items(400), [Contestant("a", "tuned")], {"a": ask}, cache=cache, limit_usd=0.0)
    assert len(sent) < 100, "what was not sent is not sent"
    before, again = len(running.Cache(tmp_path / "c")), len(sent)
    running.run(
        items(400),
        [Contestant("a", "tuned")],
        {"a": lambda prompt: sent.append(prompt) or Reply("100")},
        cache=running.Cache(tmp_path / "c"),
        limit_usd=0.0,
    )
    assert len(sent) - again == 400 - before, "no answer is asked for twice"


def test_what_another_try_does_not_change_is_not_tried_again(tmp_path: Path) -> None:
    tries: list[str] = []

    def ask(prompt: str) -> Reply:
        tries.append(prompt)
        raise Failed("AccessDeniedException", again=False)

    contestant, cache = Contestant("a", "tuned"), running.Cache(tmp_path / "c")
    (row,) = running.run(items(2), [contestant], {"a": ask}, cache=cache, limit_usd=0)["contestants"]
    assert (row["failed"], len(tries), row["problem"]) == (2, 2, "AccessDeniedException")


# --- money


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

    cache = running.Cache(tmp_path / "c")
    result = running.run(items(40), [contestant], {"a": ask}, cache=cache, limit_usd=0.01)
    (row,) = result["contestants"]
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

    cache = running.Cache(tmp_path / "c")
    result = running.run(items(2), [Contestant("a", "tuned")], {"a": ask}, cache=cache, limit_usd=0.0)
    assert (result["contestants"][0]["correct"], result["contestants"][0]["failed"]) == (1, 1)
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


# --- reading


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
    cache = running.Cache(tmp_path / "c")
    ran = running.run(items(3), [contestant], {}, cache=cache, limit_usd=0, progress=said.append)
    (row,) = ran["contestants"]
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


# --- grading and findings


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("$1,250 million", "correct"),
        ("It was 1.25 billion dollars.", "correct"),
        ("Revenue was $1,250 thousand.", "wrong"),
        ("1,300 million", "wrong"),
        ("I cannot find this in the documents.", "refused"),
        ("", "refused"),
    ],
)
def test_an_answer_is_graded_by_what_it_says(answer: str, outcome: str) -> None:
    item = Item(Question("1", "f", "What was revenue?", ("1,250",), "million"), "g")
    assert judging.judge(item, Reply(answer)).outcome == outcome
    assert judging.judge(item, None).outcome == "failed"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("B", "correct"), ("(b) up", "correct"), ("up", "correct"), ("A", "wrong"), ("either", "refused")],
)
def test_a_choice_is_named_by_letter_or_wording(answer: str, outcome: str) -> None:
    item = Item(Question("1", "f", "Which way?", ("up",), choices=("down", "up"), right=1), "g")
    assert judging.judge(item, Reply(answer)).outcome == outcome


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (
            ["**B**", "Answer: B", "The correct answer is (B).", "Option B", "\\boxed{B}",
             "I would choose B.", "B, because sales grew", "B - sales rose", "Sales rose, so B.", '"B"',
             "B\n\nA is wrong."],
            "correct",
        ),
        (["The answer is D.", "Option C", "I'd go with A", "A, not B", "C) sales were flat"], "wrong"),
        (["A or B", "Both A and B", "I don't know", "Cannot be determined.", "-"], "refused"),
    ],
)  # fmt: skip
def test_a_choice_is_read_as_people_name_it(answers: list[str], outcome: str) -> None:
    choices = ("sales fell", "sales rose", "sales were flat", "not disclosed")
    item = Item(Question("1", "f", "What happened?", ("sales rose",), choices=choices, right=1), "g")
    outcomes = {answer: judging.judge(item, Reply(answer)).outcome for answer in answers}
    assert outcomes == dict.fromkeys(answers, outcome)


def test_answers_as_people_write_them_are_graded_as_a_person_would() -> None:
    """The file's questions have answers that are right, wrong or a refusal, each in several wordings."""
    lines = Path(__file__).with_name("written_answers.jsonl").read_text(encoding="utf-8").splitlines()
    differs, total = [], 0
    for number, record in enumerate(map(json.loads, lines), 1):
        (question,) = questions_of(record, source="written", number=number)
        for key, outcome in (("right", "correct"), ("wrong", "wrong"), ("refused", "refused")):
            total += len(record[key])
            differs += [
                (record["question"], answer, outcome)
                for answer in record[key]
                if judging.judge(Item(question, "g"), Reply(answer)).outcome != outcome
            ]
    assert total > 1600 and len(differs) <= 0.03 * total, differs


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("Revenue was $1,180 million in 2022 and $1,250 million in 2023.", "correct"),
        ("Revenue rose from $1,180 million to $1,250 million.", "correct"),
        ("**Answer:** $1,250 million", "correct"),
        ("Here is the figure:\n\n$1,250 million", "correct"),
        ("Revenue of $1,250 million, down 3%.", "correct"),
        ("17 or 18 million", "wrong"),
        ("$1,250 million or $1,180 million", "wrong"),
        ("not $1,250 million but $1,180 million", "wrong"),
    ],
)
def test_the_figure_that_is_given_is_found_among_others(answer: str, outcome: str) -> None:
    item = Item(Question("1", "f", "What was revenue in fiscal 2023?", ("1,250",), "million"), "g")
    assert judging.judge(item, Reply(answer)).outcome == outcome


@pytest.mark.parametrize("text", ["1 " * 50_000, "Sales rose from $1 to $2. " * 5_000, "not " * 50_000])
def test_an_answer_that_does_not_end_is_graded_by_its_beginning(text: str) -> None:
    item = Item(Question("1", "f", "What was revenue?", ("1,250",), "million"), "g")
    assert judging.judge(item, Reply(text)).outcome in ("wrong", "refused")
    assert judging.judge(item, Reply(f"$1,250 million. {text}")).outcome == "correct"


def test_known_values_of_the_statistics() -> None:
    assert mcnemar(5, 5) == 1.0 and mcnemar(10, 0) == pytest.approx(2 / 1024)
    assert judging.needed(0.0, 6, 10) is None
    assert judging.needed(0.02, 22, 100) == 4305, "(1.96 + 0.84)² × (0.22 − 0.0004) / 0.0004"
    interval, effect = judging.by_group([2, -2, 0, 4], [4, 4, 4, 4], 8)
    assert interval == pytest.approx((-0.777, 1.277), abs=0.005), "0.25 ± 3.182 × √(4/3 × 20) / 16"
    assert effect > 1 and judging.by_group([3], [5], 3)[0] == (-1.0, 1.0)


@pytest.mark.parametrize(("groups", "spread"), [(0, 0.0), (20, 0.2)])
def test_equal_contestants_are_called_different_rarely(groups: int, spread: float) -> None:
    draw = random.Random(7)
    wrongly = 0
    for _ in range(200):
        names = [f"g{n % groups}" if groups else f"g{n}" for n in range(80)]
        shift = {name: draw.uniform(-spread, spread) for name in set(names)}
        outcomes = [
            [
                judging.Judged("correct" if draw.random() < 0.6 + shift[name] else "wrong", "", "")
                for name in names
            ]
            for _ in range(2)
        ]
        asked = [Item(Question(str(n), "f", "?", ("1",)), name) for n, name in enumerate(names)]
        given = {name: [[each] for each in found] for name, found in zip("ab", outcomes, strict=True)}
        (pair,) = judging.pairs(asked, given)
        wrongly += pair["finding"] != "cannot tell"
    assert wrongly <= 16, "5 % of 200 is 10; more than 16 comes by chance once in thirty"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_scripted_contestants_get_the_findings_that_they_deserve(kind: Kind) -> None:
    found = simulated(kind, 60)
    assert found["without_a_wrong_finding"] >= 0.9, "95 % of 1,000 in bench/benchmark_findings.py"
    assert found["intervals_that_hold"] >= 0.9


def test_a_clear_difference_is_found_and_an_unclear_one_says_how_many_would_do() -> None:
    asked = items(60)
    right, wrong = [judging.Judged("correct", "", "")], [judging.Judged("wrong", "", "")]
    (pair,) = judging.pairs(asked, {"a": [right] * 60, "b": [right] * 30 + [wrong] * 30})
    assert (pair["finding"], pair["needed"]) == ("a better", None) and pair["interval"][0] > 0
    (pair,) = judging.pairs(asked, {"a": [right] * 32 + [wrong] * 28, "b": [right] * 30 + [wrong] * 30})
    assert pair["finding"] == "cannot tell" and pair["needed"] > 60


# --- the command


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
