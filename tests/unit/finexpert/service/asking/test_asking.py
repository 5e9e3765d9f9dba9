"""Asking and talking: streamed answers put together, side by side, turn by turn."""

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from core.dataset.questions import Question
from core.documents.search import Found
from core.endpoint.hosting import BASE, HostingState
from core.marks import MARK
from finexpert.cli.commands import chat
from finexpert.errors import UserError
from finexpert.service.asking import inference, passages
from finexpert.service.asking.chat import Conversation, Turn, base_template, say
from finexpert.service.benchmark import planning
from finexpert.service.benchmark.questions import Item
from finexpert.service.endpoint import switch
from finexpert.service.evaluation import own_questions
from tests.fakes import deployment as fakes
from tests.fakes.s3 import FakeS3
from tests.fakes.serving_model import build_model
from tests.unit.training.data.test_chat import HOSTILE

WORDS = ("Der ", "Gewinn ", "stieg ", "über ", "10 % €.")


def lines(words: tuple[str, ...] = WORDS) -> bytes:
    """LMI's stream of an answer."""
    documents: list[dict[str, Any]] = [{"token": {"id": 1, "text": word}} for word in words]
    documents[-1]["generated_text"] = "".join(words)
    return b"".join(json.dumps(document, ensure_ascii=False).encode() + b"\n" for document in documents)


@given(cuts=st.lists(st.integers(0, len(lines())), max_size=12))
def test_a_stream_is_the_same_wherever_it_is_cut(cuts: list[int]) -> None:
    stream, edges = lines(), [0, *sorted(cuts), len(lines())]
    chunks = [stream[begin:end] for begin, end in pairwise(edges)]
    found = list(inference.pieces(chunks))
    assert [piece.text for piece in found] == list(WORDS)
    assert [piece.whole for piece in found] == [None] * 4 + ["".join(WORDS)]


@pytest.mark.parametrize("answer", ['{"generated_text": "all"}', '[{"generation": "all"}]'])
def test_an_answer_that_comes_at_once_is_one_piece(answer: str) -> None:
    assert list(inference.pieces([answer.encode()])) == [inference.Piece("all", "all")]


@pytest.mark.parametrize("answer", ["{}", "[]", "no JSON", "[1]", "[" * 100_000])
def test_another_shape_is_shown_as_it_is(answer: str) -> None:
    with pytest.raises(UserError) as told:
        list(inference.pieces([answer.encode()]))
    assert answer[:200] in told.value.what


@pytest.mark.parametrize(
    "last",
    [
        {"token": {"text": "."}, "generated_text": "All.", "details": {"finish_reason": "length"}},
        [{"generated_text": "All.", "details": {"finish_reason": "length"}}],
    ],
)
def test_the_last_piece_says_why_the_answer_ended(last: Any) -> None:
    (piece,) = inference.pieces([json.dumps(last).encode()])
    assert (piece.whole, piece.finish) == ("All.", inference.LENGTH)


@pytest.mark.parametrize("error", ['"out of memory"', '{"message": "out of memory", "code": 400}'])
def test_an_error_line_of_a_stream_is_shown_as_the_models_error(error: str) -> None:
    stream = lines()[: lines().index(b"\n") + 1] + f'{{"error": {error}}}\n'.encode()
    found = inference.pieces([stream])
    assert next(found).text == WORDS[0]
    with pytest.raises(UserError, match="broke off its answer: out of memory"):
        next(found)


def test_sampling_sends_top_p_even_where_it_changes_nothing() -> None:
    assert inference.generation(8, 0.7, 3)["top_p"] == 1.0
    assert "top_p" not in inference.generation(8, 0.0, 3)


def refused(status: int) -> ClientError:
    answer: dict[str, Any] = {"Error": {"Code": "ModelError", "Message": "no"}, "OriginalStatusCode": status}
    return ClientError(answer, "InvokeEndpointWithResponseStream")  # type: ignore[arg-type]


class Runtime:
    """An endpoint that answers with the number of characters that it was asked; too many are refused."""

    def __init__(self, longest: int = 1000, status: int = 422) -> None:
        self.longest, self.status = longest, status
        self.asked: list[tuple[str | None, str]] = []

    def invoke_endpoint_with_response_stream(self, **request: Any) -> dict[str, Any]:
        body = json.loads(request["Body"])
        assert body["stream"] is True
        self.asked.append((request.get("InferenceComponentName"), body["inputs"]))
        if len(body["inputs"]) > self.longest:
            raise refused(self.status)
        answer = json.dumps({"token": {"text": "<"}}) + "\n"
        answer += json.dumps({"token": {"text": ">"}, "generated_text": f"<{len(body['inputs'])}>"})
        return {"Body": [{"PayloadPart": {"Bytes": answer.encode()}}]}


def deployment(runtime: Runtime, kind: str = "components") -> Any:
    return fakes.deployment(runtime, project="Fe", hosting=kind)


def in_state(
    monkeypatch: pytest.MonkeyPatch, state: HostingState, artifact: str = "s3://b/model.tar.gz"
) -> None:
    read = SimpleNamespace(state=state, artifact=artifact)
    monkeypatch.setattr(switch, "read", lambda deployment: read)


@pytest.fixture(autouse=True)
def awake(monkeypatch: pytest.MonkeyPatch) -> None:
    in_state(monkeypatch, HostingState.AWAKE)


def test_both_models_answer_and_are_shown_while_they_write() -> None:
    runtime, heard = Runtime(), []
    answers = inference.ask(deployment(runtime), "abc", {}, on_text=lambda *told: heard.append(told))
    assert [(answer.model, answer.text) for answer in answers] == [("base", "<3>"), ("tuned", "<3>")]
    assert sorted(runtime.asked) == [("fe-base", "abc"), ("fe-tuned", "abc")]
    assert sorted(heard) == [("base", "<"), ("base", "<3>"), ("tuned", "<"), ("tuned", "<3>")]


@pytest.mark.parametrize("mark", MARK.findall(HOSTILE))
@pytest.mark.parametrize("door", ["ask", "chat", "own question", "documents", "benchmark"])
def test_what_people_type_reaches_no_model_as_its_mark(door: str, mark: str) -> None:
    runtime = Runtime(longest=10_000)
    cloud, typed = deployment(runtime), f"Sales?{mark}assistant"
    if door == "ask":
        assert inference.ask(cloud, typed, {})[0].prompt == f"Sales?{mark[0]} {mark[1:]}assistant"
    elif door == "chat":
        say(cloud, Conversation(("base",), turns=[Turn(typed, {"base": typed})]), typed, {})
    elif door == "own question":
        own_questions.ask(cloud, {"question": typed, "answer": "12%", "context": typed})
    elif door == "documents":
        found = [Found("1.txt", 1, "", "", typed, 1.0, typed, (0, 9))]
        passages.read(cloud, "base", typed, found, {"max_new_tokens": 8}, 4096)
    else:
        item = Item(Question("a", "a", typed, (), context=typed, choices=("12%", typed)), "")
        inference.ask(cloud, {"base": planning.prompt_of(item, None)}, {})
    assert runtime.asked and all("Sales?" in sent and mark not in sent for _, sent in runtime.asked)


def test_an_endpoint_of_one_model_is_asked_without_a_component() -> None:
    runtime = Runtime()
    assert [answer.model for answer in inference.ask(deployment(runtime, "merged"), "abc", {})] == ["tuned"]
    assert runtime.asked == [(None, "abc")]


def test_while_only_the_base_model_is_served_it_answers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    in_state(monkeypatch, HostingState.AWAKE, BASE)
    runtime = Runtime()
    assert [answer.model for answer in inference.ask(deployment(runtime), "abc", {})] == ["base"]
    assert runtime.asked == [("fe-base", "abc")]
    conversation = Conversation(tuple(switch.models(deployment(runtime))))
    assert not conversation.address("tuned")


def test_a_refusal_while_asleep_says_how_to_wake(monkeypatch: pytest.MonkeyPatch) -> None:
    in_state(monkeypatch, HostingState.ASLEEP, "")
    with pytest.raises(UserError) as told:
        inference.ask(deployment(Runtime(longest=0)), "abc", {})
    assert "finexpert wake" in told.value.fix


def test_a_refusal_while_awake_is_reported_as_it_is() -> None:
    with pytest.raises(ClientError, match="no"):
        inference.ask(deployment(Runtime(longest=0)), "abc", {})


def talk() -> Conversation:
    return Conversation(("base", "tuned"))


def heard(model: str, text: str) -> None:
    """A receiver that does nothing."""


def said(conversation: Conversation, runtime: Runtime, text: str) -> Mapping[str, str]:
    say(deployment(runtime), conversation, text, {}, on_text=heard)
    return conversation.turns[-1].answers


def test_each_model_goes_on_from_its_own_side() -> None:
    conversation = talk()
    conversation.turns = [Turn("one", {"base": " B1 ", "tuned": "T1"}), Turn("two", {"tuned": "T2"})]
    assert conversation.prompts("three") == {"base": "one B1\n\nthree", "tuned": "one T1\n\ntwo T2\n\nthree"}


def test_a_base_with_a_chat_template_gets_the_conversation_in_its_form() -> None:
    conversation = talk()
    conversation.write = lambda dialog: (
        "".join(f"[{role}]{content}" for role, content in dialog) + "[assistant]"
    )
    conversation.turns = [Turn("one", {"base": " B1 "})]
    base = "[user]one[assistant]B1[user]two[assistant]"
    assert conversation.prompts("two") == {"base": base, "tuned": "[user]two[assistant]"}
    conversation.write = lambda dialog: None
    assert conversation.prompts("two")["base"] == "one B1\n\ntwo", "a template that refuses it"


def test_the_template_is_read_beside_the_bases_weights(tmp_path: Path) -> None:
    folder = build_model(tmp_path / "model")
    (folder / "chat_template.jinja").write_text(
        "{{ bos_token }}{% for m in messages %}<s>{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}"
        "{% if add_generation_prompt %}<s>assistant: {% endif %}"
    )
    objects = {f"base/{file.name}": file.read_bytes() for file in folder.iterdir()}
    del objects["base/model.safetensors"]
    at: Any = {"base_model_location": lambda bucket: "s3://data/base/"}
    found = fakes.deployment(FakeS3(objects), output="data", own_weights=True, **at)
    write = base_template(found)
    assert write is not None
    assert write([("user", "an </s> end")]) == "<s><s>user: an < /s> end</s><s>assistant: "
    del objects["base/chat_template.jinja"]
    assert base_template(found) is None
    found.settings.own_weights = False
    assert base_template(found) is None, "JumpStart's weights cannot be read"


def test_only_who_is_addressed_answers() -> None:
    conversation, runtime = talk(), Runtime()
    assert conversation.address("tuned")
    assert said(conversation, runtime, "abc") == {"tuned": "<3>"}
    assert conversation.address("both")
    assert said(conversation, runtime, "abc").keys() == {"base", "tuned"}
    assert not conversation.address("nobody")
    assert conversation.addressed == ("base", "tuned")


def test_the_oldest_turns_are_left_out_once_they_do_not_fit() -> None:
    conversation, runtime = talk(), Runtime(longest=30)
    for number in range(4):
        said(conversation, runtime, f"sentence {number}")
    assert len(conversation.turns) == 4
    assert conversation.forgotten == 2  # two turns are 27 characters, three are 44
    conversation.clear()
    assert conversation.prompts("new") == {"base": "new", "tuned": "new"}


@pytest.mark.parametrize(("status", "text"), [(500, "short"), (422, "x" * 99)])
def test_what_forgetting_does_not_repair_is_reported(status: int, text: str) -> None:
    conversation = talk()
    conversation.turns = [Turn("x" * 40, {"base": "", "tuned": ""})]
    with pytest.raises(ClientError):
        said(conversation, Runtime(longest=30, status=status), text)
    assert len(conversation.turns) == 1


def test_the_words_of_the_conversation_itself() -> None:
    out, conversation = Console(quiet=True), talk()
    conversation.turns = [Turn("one", {})]
    assert chat.obey(conversation, "/base", out)
    assert conversation.addressed == ("base",)
    assert chat.obey(conversation, "/what", out)
    assert len(conversation.turns) == 1
    assert chat.obey(conversation, "/Clear ", out)
    assert conversation.turns == []
    assert not chat.obey(conversation, "/quit", out)


def test_a_question_is_asked_with_the_passages_a_model_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Found(f"{n}.txt", 1, "", "", "text", 1.0, "Sales rose. " * 20, (0, 9)) for n in range(9)]
    asked: list[str] = []

    def ask(deployment: object, prompt: Mapping[str, str], parameters: object) -> list[inference.Answer]:
        asked.append(prompt["tuned"])
        if len(asked) < 3:
            refused: Any = {"OriginalStatusCode": 422}
            raise ClientError(refused, "InvokeEndpoint")
        return [inference.Answer("tuned", prompt["tuned"], "They rose.", 0.1)]

    monkeypatch.setattr(inference, "ask", ask)
    deployment: Any = None
    parameters = {"max_new_tokens": 100}
    assert passages.read(deployment, "tuned", "Did sales rise?", found, parameters, 1000).text == "They rose."
    assert [text.count(".txt, page 1") for text in asked] == [8, 6, 4]
    assert all(len(text) < 2700 and text.endswith("Question: Did sales rise?\n\nAnswer:") for text in asked)
    with pytest.raises(ClientError):  # a container that refuses whatever is sent
        asked.clear()
        passages.read(deployment, "tuned", "Did sales rise?", found, parameters, 350)
