"""What the server takes, what it turns away, and how it says so."""

import json
from typing import Any

import pytest

from core.environment import ConfigurationError
from serving.requests import DEFAULT_NEW_TOKENS, RequestError, parse_adapter, parse_generation
from serving.settings import Settings


def parse(body: Any, header: str | None = None) -> Any:
    return parse_generation(json.dumps(body).encode(), header, most_new_tokens=100)


def test_the_defaults_are_greedy() -> None:
    asked = parse({"inputs": "Revenue"})
    assert (asked.prompt, asked.do_sample, asked.adapter, asked.stream) == ("Revenue", False, None, False)
    assert asked.max_new_tokens == DEFAULT_NEW_TOKENS


def test_every_parameter_arrives() -> None:
    parameters = {
        "max_new_tokens": 7,
        "do_sample": True,
        "temperature": 0.5,
        "top_k": 5,
        "top_p": 0.9,
        "repetition_penalty": 1.2,
        "seed": 3,
        "stop": ["\n", "."],
        "return_full_text": True,
        "details": True,
    }
    asked = parse({"inputs": "x", "parameters": parameters, "stream": True})
    assert asked.stream and asked.stop == ("\n", ".")
    assert {name: getattr(asked, name) for name in parameters if name != "stop"} == {
        name: value for name, value in parameters.items() if name != "stop"
    }


@pytest.mark.parametrize("temperature", [1e-320, 5e-324, 9.9e-6])
def test_a_temperature_that_cannot_be_divided_by_is_greedy(temperature: float) -> None:
    body = json.dumps({"inputs": "x", "parameters": {"do_sample": True, "temperature": temperature}})
    assert not parse_generation(body.encode(), None, most_new_tokens=99).do_sample


def test_temperature_zero_is_greedy() -> None:
    assert not parse({"inputs": "x", "parameters": {"do_sample": True, "temperature": 0}}).do_sample


def test_the_header_wins_over_the_bodys_adapter() -> None:
    assert parse({"inputs": "x", "adapters": ["a"]}).adapter == "a"
    assert parse({"inputs": "x", "adapters": ["a"]}, "b").adapter == "b"
    assert parse({"inputs": "x", "adapters": [""]}).adapter is None, "LMI's name of the base model is empty"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ([], 400, "JSON object"),
        ({}, 400, "inputs"),
        ({"inputs": ""}, 400, "inputs"),
        ({"inputs": ["a"]}, 400, "inputs"),
        ({"inputs": "x", "paramters": {}}, 400, "paramters"),
        ({"inputs": "x", "stream": "yes"}, 400, "stream"),
        ({"inputs": "x", "parameters": []}, 400, "parameters"),
        ({"inputs": "x", "parameters": {"max_tokens": 3}}, 400, "max_tokens"),
        ({"inputs": "x", "parameters": {"max_new_tokens": "3"}}, 400, "max_new_tokens"),
        ({"inputs": "x", "parameters": {"max_new_tokens": True}}, 400, "max_new_tokens"),
        ({"inputs": "x", "parameters": {"max_new_tokens": 101}}, 422, "from 1 to 100"),
        ({"inputs": "x", "parameters": {"max_new_tokens": 0}}, 422, "from 1 to 100"),
        ({"inputs": "x", "parameters": {"temperature": -1}}, 422, "temperature"),
        ({"inputs": "x", "parameters": {"temperature": float("nan")}}, 422, "temperature"),
        ({"inputs": "x", "parameters": {"top_p": 0}}, 422, "top_p"),
        ({"inputs": "x", "parameters": {"do_sample": 1}}, 400, "do_sample"),
        ({"inputs": "x", "parameters": {"seed": -1}}, 422, "seed"),
        ({"inputs": "x", "parameters": {"stop": [""]}}, 400, "stop"),
        ({"inputs": "x", "parameters": {"stop": ["a"] * 9}}, 422, "stop"),
        ({"inputs": "x", "adapters": ["a", "b"]}, 400, "adapters"),
    ],
)
def test_what_is_wrong_is_named(body: Any, status: int, words: str) -> None:
    with pytest.raises(RequestError) as refused:
        parse(body)
    assert refused.value.status == status
    assert words in refused.value.message


def test_a_body_that_is_no_json() -> None:
    with pytest.raises(RequestError, match="not JSON"):
        parse_generation(b"{", None, most_new_tokens=1)


@pytest.mark.parametrize("name", ["", "a/b", "a.b", "..", 3, None, "x" * 64])
def test_adapter_names_that_could_do_harm_are_refused(name: Any) -> None:
    with pytest.raises(RequestError, match="name must be"):
        parse_adapter(json.dumps({"name": name, "src": "/x"}).encode())


def test_all_problems_of_the_environment_at_once() -> None:
    environ = {"SAGEMAKER_BIND_TO_PORT": "x", "SERVING_QUEUE": "0", "OPTION_ENABLE_LORA": "maybe"}
    environ["OPTION_MAX_LORAS"] = "2.5"
    with pytest.raises(ConfigurationError) as wrong:
        Settings.from_environment(environ)
    assert all(name in str(wrong.value) for name in environ)


@pytest.mark.parametrize("rank", ["65", "100", "129", "255"])
def test_a_maximal_rank_that_vllm_does_not_know_stops_the_server(rank: str) -> None:
    with pytest.raises(ConfigurationError, match=f"OPTION_MAX_LORA_RANK is {rank}; vLLM knows 1, 8, 16"):
        Settings.from_environment({"OPTION_MAX_LORA_RANK": rank})


def test_the_containers_own_options_are_read() -> None:
    settings = Settings.from_environment({"OPTION_MAX_LORA_RANK": "8", "OPTION_MAX_MODEL_LEN": "512"})
    assert (settings.max_lora_rank, settings.max_model_len, settings.port) == (8, 512, 8080)
    assert Settings.from_environment({}).max_model_len is None
