"""report.html and evaluation.json: valid, self-contained, escaped, honest about both outcomes."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.wording import signed
from tests.fakes.training_jobs import evaluated, make_job
from tools.report_states import states
from training.evaluation import asks
from training.report import render
from training.report.charts import Scale, Span, difference_chart, interval_chart, line_chart, ticks

VOID = {"meta", "br", "hr", "img", "input", "link"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> dict[str, Any]:
    """The evaluation.json of one job."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asks, "NEW_TOKENS", 4)
        base = make_job(tmp_path_factory.mktemp("evaluated") / "job", weights, evaluation_items="2")
        return evaluated(base, usd_per_hour=1.5)


@pytest.fixture
def evaluation(measured: dict[str, Any]) -> dict[str, Any]:
    """A copy of it, which a test may change."""
    return deepcopy(measured)


class Checker(HTMLParser):
    """Notes tags that are not closed in order, and every attribute that could fetch something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [
            f"{tag} {name}={value}" for name, value in attrs if name in ("src", "href", "srcset")
        ]
        if tag in ("script", "link", "iframe", "img", "object"):
            self.fetched.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check_page(page: str) -> None:
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert checker.fetched == []
    assert "url(" not in page
    assert "@import" not in page


def test_the_evaluation_fits_its_schema(evaluation: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    text = (resources.files("training.evaluation") / "evaluation.schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(evaluation, schema)
    jsonschema.validate(evaluation | {"of_a_later_version": 1}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(evaluation | {"passed": "yes"}, schema)


def test_the_contract_at_the_top_of_the_evaluation(evaluation: dict[str, Any]) -> None:
    primary = evaluation["primary"]
    assert isinstance(evaluation["passed"], bool)
    assert primary["difference"] == pytest.approx(primary["tuned"] - primary["base"], abs=1e-4)
    low, high = primary["interval"]
    assert low <= primary["difference"] <= high
    documents = evaluation["documents"]
    weighed = sum(d["tuned"] * d["bytes"] for d in documents) / sum(d["bytes"] for d in documents)
    assert weighed == pytest.approx(primary["tuned"], rel=1e-4)


def test_a_further_section_stands_at_the_end(evaluation: dict[str, Any]) -> None:
    page = render(evaluation, addition="<section>around it</section>")
    check_page(page)
    assert page.index("<section>around it</section>\n</main></body></html>") > page.rindex("</table>")


def test_the_page_stands_alone_and_begins_with_the_verdict(evaluation: dict[str, Any]) -> None:
    page = render(evaluation)
    check_page(page)
    assert page.index(evaluation["verdict"]) < page.index("<h2>")
    assert page.count("<svg") == 4  # paired differences, intervals in two units, loss
    titles = re.findall("<h2>(.*?)</h2>", page)
    assert titles[:5] == ["How we know", "Why", "What else changed", "What they write", "What they answer"]
    assert titles[-1] == "To repeat it"
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


RUN = {
    "id": "finexpert-20261129-154708-83e0",
    "name": "Q3 <wording>",
    "by": "ana",
    "data": "letters",
    "base": "Llama 2 7B",
    "date": "2026-11-29T15:50:00+00:00",
    "practice": False,
}


def test_the_first_page_says_which_run_on_what_when_and_who(evaluation: dict[str, Any]) -> None:
    assert evaluation["run"]["base"].startswith("Llama with ") and evaluation["run"]["practice"] is True
    assert "its sentences mean nothing" in render(evaluation)
    page = render(evaluation | {"run": RUN})
    first = page[: page.index("<h2>")]
    assert "<title>2026-11-29 Q3 &lt;wording&gt;: " in page and "Q3 &lt;wording&gt;</h1>" in first
    for words in ("Llama 2 7B, trained on letters", "29 November 2026", "by ana", RUN["id"], "$"):
        assert str(words) in first
    assert "mean nothing" not in page


@pytest.mark.parametrize("of", ["the run", "nothing"])
def test_the_page_gives_no_model_a_field_its_data_may_not_have(evaluation: dict[str, Any], of: str) -> None:
    page = render(evaluation | {"run": RUN if of == "the run" else {}})
    headings = " ".join(re.findall("<title>.*?</title>|<h1.*?</h1>|<h2>.*?</h2>", page))
    assert "<h1" in headings and not re.search("financ|expert|domain", headings, re.IGNORECASE)


def test_an_older_evaluation_without_a_run_has_a_first_page(evaluation: dict[str, Any]) -> None:
    del evaluation["run"], evaluation["examples"]
    page = render(evaluation)
    check_page(page)
    assert evaluation["samples"][0]["prompt"] in page[: page.index("<h2>")]


def test_the_first_page_goes_on_with_ones_own_text(evaluation: dict[str, Any]) -> None:
    evaluation["examples"] = [{"prompt": f"Our {n}", "base": "b" * 999, "tuned": f"t{n}"} for n in range(5)]
    first = render(evaluation).split("<h2>")[0]
    assert "Our 2" in first and "t2" in first and "Our 3" not in first and "b" * 321 not in first


def test_a_prompt_from_the_training_text_is_told_apart(evaluation: dict[str, Any]) -> None:
    assert "also stand in" not in render(evaluation)
    evaluation["samples"][1]["training_documents"] = 1
    evaluation["examples"] = [
        {"prompt": f"Our {n}", "base": "b", "tuned": "t", "training_documents": n} for n in (0, 2000)
    ]
    first, *rest = render(evaluation).split("<h2>")
    assert re.findall("also stand in (.*?)[.]<", first) == ["2,000 training documents"]
    samples = next(part for part in rest if part.startswith("What they write"))
    noted = [part for part in samples.split("<blockquote>") if "also stand in 1 training document." in part]
    assert [part.split(" …")[0] for part in noted] == [evaluation["samples"][1]["prompt"]]


def own(evaluation: dict[str, Any], base: list[float], tuned: list[float]) -> None:
    """Give the evaluation one's own questions, answered so."""
    ids = [f"q{n}" for n in range(len(base))]
    evaluation["items"]["own_exact_match"] = {"ids": ids, "base": base, "tuned": tuned}
    evaluation["metrics"].append({**evaluation["metrics"][0], "name": "own_exact_match", "title": "Yours"})
    evaluation["questions"] += [
        {"metric": "own_exact_match", "id": name, "question": f"What is {name}?", "right": "7"}
        | {"base": "no <idea>", "tuned": "7"}
        for name in ids
    ]


def test_own_questions_are_the_headline_and_all_are_listed(evaluation: dict[str, Any]) -> None:
    own(evaluation, [1.0] + [0.0] * 9, [1.0] * 6 + [0.0] * 4)
    page = render(evaluation)
    check_page(page)
    first = page.split("<h2>")[0]
    assert "Your own questions: before 1, after 6 of 10 right." in first
    assert first.index("before 1, after 6") < first.index(evaluation["verdict"])
    assert all(f"What is q{n}?" in first for n in range(10)) and "no &lt;idea&gt;" in first
    assert (first.count("✓ right"), first.count("✗ wrong")) == (7, 13)


def test_without_own_questions_there_is_no_headline_of_them(evaluation: dict[str, Any]) -> None:
    assert "Your own questions: before" not in render(evaluation)


@pytest.mark.parametrize(
    ("passed", "caveats", "word"),
    [(True, [], ">Accepted<"), (False, [], ">Not accepted<"), (True, ["it got worse"], ">Accepted, but<")],
)
def test_each_outcome_is_said_plainly(
    evaluation: dict[str, Any], passed: bool, caveats: list[str], word: str
) -> None:
    assert word in render(evaluation | {"passed": passed, "caveats": caveats})


def test_without_clean_documents_the_page_states_no_figure(evaluation: dict[str, Any]) -> None:
    evaluation["primary"]["items"] = 0
    evaluation["verdict"] = "The tuned model is not accepted."
    for metric in evaluation["metrics"]:
        metric["items"] = 0 if metric["role"] == "primary" else metric["items"]
    evaluation["contamination"]["overlapping_documents"] = evaluation["contamination"]["documents"]
    page = render(evaluation)
    check_page(page)
    assert 'class="card"' not in page
    assert "of 0 " not in page
    assert "none of those was trained on" not in page
    (primary,) = (metric for metric in evaluation["metrics"] if metric["role"] == "primary")
    assert f"{primary['base']:.3f}" not in page
    assert "Held-out text (all of it also stands in the training text)" in page


#: State by state: whether it is accepted, and what its verdict and its page must and must not say.
STATES: dict[str, tuple[bool, str, str]] = {
    "accepted": (True, "predicts held-out text like yours better", "understands"),
    "accepted_but": (True, "But 38% of what it writes is broken", "understands"),
    "chance": (False, "not shown to predict unseen text better", "Accepted"),
    "too_small": (False, "the gain is too small to matter", "Accepted"),
    "too_few": (False, "too few documents were held out", "Accepted"),
    "forgotten": (False, "not shown to have kept what it knew", "Accepted"),
    "any_text": (False, "gained more on this kind of text than on any other", "Accepted"),
    "form_of_answers": (False, "only to have the right form", "Held-out text, bits"),
    "broken_text": (False, "empty or goes round in circles", "Accepted"),
    "no_documents_left": (False, "no figure can be given", "Documents predicted better"),
    "instructions": (True, "predicts held-out answers like yours better", "Held-out text, bits"),
    "dialogs": (True, "predicts held-out answers like yours better", "Held-out text, bits"),
    "tasks": (True, "predicts held-out text like yours better", "understands"),
}


def test_each_state_of_the_report_is_named(job: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asks, "NEW_TOKENS", 4)
    found = states(evaluated(job(documents=100, max_steps="1", evaluation_items="2")))
    assert found.keys() == STATES.keys()
    for name, (passed, said, never) in STATES.items():
        page = render(found[name])
        check_page(page)
        assert (found[name]["passed"], name) == (passed, name)
        assert said in found[name]["verdict"], name
        assert f">{'Accepted' if passed else 'Not accepted'}" in page, name
        assert never not in page, name
        assert ("Task by task" in page) is (name == "tasks")
        assert ("How we know" in page) is (name != "no_documents_left"), "a heading with nothing below it"
        assert "at least 0.0%" not in page, "a rule that holds because nothing is there to judge"
        assert "Sentiment, asked in 3 wordings: the base model labels" in page
    assert "left out of all figures above" not in render(found["no_documents_left"])


def test_the_page_says_what_guessing_gives_and_what_could_be_seen(evaluation: dict[str, Any]) -> None:
    page = render(evaluation)
    assert "Multiple choice (guessing: 25%)" in page
    assert "could be seen" in page
    assert "one seed" in page
    (guard,) = (metric for metric in evaluation["metrics"] if metric["role"] == "guard")
    guard |= {"finding": "worse", "interval": [0.0, 0.5 * guard["limit"] * guard["base"]]}
    assert "worse, within what is allowed" in render(evaluation)


def test_what_early_stopping_did_is_reported(evaluation: dict[str, Any]) -> None:
    assert "early stopping" not in render(evaluation)
    evaluation["documents"][0]["judged"] = False
    assert "early stopping chose step" in render(evaluation)


def test_text_of_models_and_files_cannot_break_the_page(evaluation: dict[str, Any]) -> None:
    nasty = "</div><script>alert('x')</script>&\"<b>"
    evaluation["samples"][0]["tuned"]["greedy"] = nasty
    evaluation["samples"][0]["prompt"] = nasty
    evaluation["questions"][0] |= {"question": nasty, "right": nasty, "base": nasty, "tuned": nasty}
    evaluation["contamination"] |= {"overlapping_documents": 1, "examples": [{"id": nasty, "words": nasty}]}
    evaluation["tasks"] = [evaluation["primary"] | {"task": nasty, "finding": "worse"}]
    evaluation["not_measured"] = [{"name": nasty, "reason": nasty}]
    evaluation["data"]["notes"] = [nasty]
    evaluation["settings"][nasty] = nasty
    page = render(evaluation)
    check_page(page)
    assert "<script" not in page


def test_an_unknown_price_is_called_unknown(evaluation: dict[str, Any]) -> None:
    evaluation["cost"] |= {"usd_per_hour": None, "usd": None}
    page = render(evaluation)
    assert page.count("<td>unknown</td>") == 2
    assert "$0" not in page


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=200), st.tuples(st.floats(-1, 0), st.floats(0, 1)))
def test_difference_charts_stay_inside_their_box(values: list[float], interval: tuple[float, float]) -> None:
    tree = ElementTree.fromstring(difference_chart(values, interval, title="a < b", x_label="c & d"))
    _, _, width, height = (float(number) for number in tree.attrib["viewBox"].split())
    bars = [e for e in tree.iter("rect") if e.attrib["class"] in ("better", "worse")]
    assert len(bars) == len(values)
    for bar in bars:
        x, y, w, h = (float(bar.attrib[name]) for name in ("x", "y", "width", "height"))
        assert min(x, y, w, h) >= 0
        assert x + w <= width + 0.1
        assert y + h <= height


@pytest.mark.parametrize("documents", [1, 2, 9, 40])
def test_labels_of_documents_stand_below_the_middle_of_their_bars(documents: int) -> None:
    values = [-0.1] * documents
    tree = ElementTree.fromstring(difference_chart(values, (-0.2, 0.0), title="t", x_label="documents"))
    bars = [e for e in tree.iter("rect") if e.attrib["class"] == "better"][:documents]
    middles = [float(bar.attrib["x"]) + float(bar.attrib["width"]) / 2 for bar in bars]
    marks = {
        e.text: float(e.attrib["x"]) for e in tree.iter("text") if e.attrib.get("text-anchor") == "middle"
    }
    numbers = {int(text): place for text, place in marks.items() if text and text.isdecimal()}
    assert numbers and all(abs(middles[number - 1] - place) < 0.2 for number, place in numbers.items())


@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 20)), max_size=50))
def test_line_charts_are_well_formed(points: list[tuple[float, float]]) -> None:
    chart = line_chart(points, points[:2], title="t", x_label="x", line_label="a", dots_label="b")
    if not points:
        assert chart == ""
        return
    tree = ElementTree.fromstring(chart)
    line = tree.find("polyline")
    assert line is not None
    assert len(line.attrib["points"].split()) == len(points)
    assert not re.search("nan|inf", chart.lower().replace("infl", ""))


@given(
    st.lists(
        st.tuples(st.lists(st.floats(-50, 50), min_size=3, max_size=3), st.sampled_from(("better", "worse"))),
        max_size=12,
    )
)
def test_interval_charts_are_drawn_inside_their_box(rows: list[tuple[list[float], str]]) -> None:
    spans = [Span(f"row <{i}>", *sorted(ends), kind) for i, (ends, kind) in enumerate(rows)]  # type: ignore[arg-type, call-arg]
    chart = interval_chart(spans, title="a < b")
    if not rows:
        assert chart == ""
        return
    tree = ElementTree.fromstring(chart)
    _, _, width, height = (float(number) for number in tree.attrib["viewBox"].split())
    lines = [e for e in tree.iter("line") if e.attrib["class"].startswith("span")]
    dots = list(tree.iter("circle"))
    assert len(lines) == len(dots) == len(rows)
    for line, dot in zip(lines, dots, strict=True):
        left, middle, right = (float(e) for e in (line.attrib["x1"], dot.attrib["cx"], line.attrib["x2"]))
        assert 0 <= left <= middle <= right <= width
        assert 0 <= float(dot.attrib["cy"]) <= height


@pytest.mark.parametrize(
    ("value", "digits", "text"), [(-0.5, 3, "−0.500"), (0.0, 0, "0"), (-0.0004, 3, "0.000"), (7.6, 0, "+8")]
)
def test_a_change_has_its_sign_and_none_has_none(value: float, digits: int, text: str) -> None:
    assert signed(value, digits) == text


def test_what_overlaps_is_reported_with_both_figures(evaluation: dict[str, Any]) -> None:
    assert "Nothing was found there" in render(evaluation)
    everything = evaluation["contamination"]["all_documents"] | {
        "difference": -0.75,
        "interval": [-0.8, -0.7],
    }
    evaluation["contamination"] |= {
        "overlapping_documents": 3,
        "examples": [{"id": "a.txt:1", "words": "as it stood"}],
        "all_documents": everything,
    }
    page = render(evaluation)
    assert "3 documents and 0 questions or paragraphs stand there" in page
    assert "−0.750 (−0.800 to −0.700)" in page
    assert "a.txt:1: “as it stood”" in page


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_and_inside(low: float, span: float) -> None:
    marks = ticks(low, low + span)
    assert 1 <= len(marks) <= 11
    assert all(low - span * 1e-6 - 1e-9 <= mark <= low + span * (1 + 1e-6) + 1e-9 for mark in marks)


def test_a_scale_without_extent_gives_its_start() -> None:
    assert Scale(1, 1, 10, 20)(1) == 10
