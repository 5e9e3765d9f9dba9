"""The demo's scripted contestants: right as often as is said, and distinguished by the benchmark."""

from pathlib import Path

from finexpert.demo import benchmark
from finexpert.demo.steps import BENCHMARK_STEPS, STEPS
from finexpert.service.benchmark import conducting
from finexpert.service.benchmark import contestants as who
from finexpert.service.deployment import Deployment


def _no_app() -> Deployment:
    raise AssertionError("no contestant needs the app")


def test_scripted_contestants_are_right_as_often_as_is_said(tmp_path: Path) -> None:
    items = benchmark.invented(200)
    assert len({item.id for item in items}) == len({item.question.question for item in items}) == 200
    with benchmark.service("service", items) as better, benchmark.service("bedrock", items) as poorer:
        named = [who.parse(f"a=openai:{better}#m"), who.parse(f"b=openai:{poorer}#m")]
        terms = conducting.Terms(most_tokens=24)
        result = conducting.conduct(items, named, terms=terms, out=tmp_path, deployment=_no_app)
    shares = [row["correct"] / len(items) for row in result["contestants"]]
    wanted = [benchmark.ACCURACY["service"], benchmark.ACCURACY["bedrock"]]
    assert all(abs(share - want) < 0.1 for share, want in zip(shares, wanted, strict=True))
    assert result["pairs"][0]["finding"] == "a better" and (tmp_path / "benchmark.html").is_file()


def test_a_benchmark_takes_the_place_of_what_follows_the_served_model() -> None:
    titles = [step.title for step in BENCHMARK_STEPS]
    assert titles[:-2] == [step.title for step in STEPS][: len(titles) - 2]
    assert "Held-out result" in titles[-3] and titles[-2].startswith("Benchmark")
