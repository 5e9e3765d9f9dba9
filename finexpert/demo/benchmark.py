"""The demo's benchmark: tuned and base beside two scripted services and a pasted file, on invented figures.

The services are right as often as `ACCURACY` says, so the report's counts can be checked.
"""

import csv
import http.server
import json
import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.dataset.questions import Question
from finexpert import paths
from finexpert.demo.stage import Stage
from finexpert.service.benchmark import conducting, report
from finexpert.service.benchmark import contestants as who
from finexpert.service.benchmark.questions import Item
from finexpert.views.display import Live

QUESTIONS, MOST_TOKENS = 60, 24
BEDROCK_MODEL = "amazon.nova-lite-v1:0"
ACCURACY = {"service": 0.9, "bedrock": 0.6, "pasted": 0.75}
FOLDER = paths.OUT / "benchmark-demo"
_COMPANIES = ("Alder Mills", "Borealis Pumps", "Cedar Freight", "Dunlin Foods", "Ember Glass", "Fjord Marine")
_FIGURES = ("net sales", "cost of sales", "gross profit", "operating expenses", "capital expenditures")


def benchmark(stage: Stage, live: Live) -> str:
    """Five contestants answer the same questions; the report is written."""
    items = invented(QUESTIONS)
    (FOLDER / "answers.jsonl").unlink(missing_ok=True)  # all of them are asked, each time
    client = stage.deployment.target.client("bedrock")
    client.put_account_data_retention(mode="none")
    with service("service", items) as compatible, service("bedrock", items) as behind_bedrock:
        assert stage.cloud is not None
        stage.cloud.ask("POST", "bedrock", {"model": BEDROCK_MODEL, "url": behind_bedrock})
        pasted = stage.folder.path / "pasted.csv"
        _paste(pasted, items)
        contestants = [
            who.parse(text)
            for text in (
                "tuned=tuned",
                "base=base",
                f"service=openai:{compatible}#scripted",
                f"bedrock=bedrock:{BEDROCK_MODEL}",
                f"pasted=answers:{pasted}",
            )
        ]
        result = conducting.conduct(
            items,
            contestants,
            terms=conducting.Terms(send_to=["bedrock"], limit_usd=1.0, most_tokens=MOST_TOKENS),
            out=FOLDER,
            deployment=lambda: stage.deployment,
            source=f"{QUESTIONS} invented figures",
            say=lambda line: live.line(f"  {line}"),
        )
    for row in result["contestants"]:
        live.line(f"  {row['name']}: {row['correct']} of {len(items)} correct")
    return f"{report.verdict(result)} Report: {FOLDER / 'benchmark.html'}"


def invented(count: int, seed: int = 0) -> list[Item]:
    """Questions about figures of companies that do not exist, each with the line that answers it."""
    draw = random.Random(seed)
    items = []
    for number in range(count):
        company, figure = _COMPANIES[number % len(_COMPANIES)], _FIGURES[number % len(_FIGURES)]
        year, value = 2015 + number // 30, f"{draw.randint(100, 9_999):,}"
        question = f"What were {company}'s {figure} in fiscal {year}, in millions? ({number + 1})"
        context = f"{company}, fiscal {year}: {figure} of ${value} million."
        items.append(
            Item(Question(f"q{number + 1}", "invented", question, (value,), "million", context), f"d{number}")
        )
    return items


def answer_of(name: str, item: Item) -> str:
    """The answer of a scripted contestant: the right figure as often as `ACCURACY` says, else another one."""
    right = item.question.answers[0]
    lucky = random.Random(f"{name} {item.id}").random() < ACCURACY[name]
    figure = right if lucky else f"{int(right.replace(',', '')) + 7:,}"
    return f"The figure was ${figure} million."


@contextmanager
def service(name: str, items: list[Item]) -> Iterator[str]:
    """A server with OpenAI's protocol on this machine that answers from the script."""
    by_question: Mapping[str, str] = {item.question.question: answer_of(name, item) for item in items}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = asked["messages"][-1]["content"]
            text = next((given for question, given in by_question.items() if question in prompt), "n/a")
            usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": len(text) // 4}
            reply = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": usage}
            body = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log nothing, so that no question is in a log."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


def _paste(path: Path, items: list[Item]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(["id", "answer"])
        rows.writerows([item.id, answer_of("pasted", item)] for item in items)
