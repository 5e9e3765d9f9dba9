"""Ranks and kinds of adapters that the serving container loads, and what is refused before it costs."""

import pytest

from core.endpoint.adapters import ANY, VLLM_RANKS, parse_servable, served_rank, unservable_family
from core.hyperparameters import HyperparameterError
from infra.settings import Settings, SettingsError


@pytest.mark.parametrize("rank", range(1, 257))
def test_every_recipes_rank_is_served_under_one_that_vllm_knows(rank: int) -> None:
    served = served_rank(rank, merged=False)
    assert served in VLLM_RANKS and served >= rank
    assert parse_servable({"lora_r": str(rank)}, served).lora_r == rank


@pytest.mark.parametrize(
    ("values", "rank", "says"),
    [
        ({"lora_r": "65"}, 64, "up to rank 64"),
        ({"lora_r": "256"}, 128, "up to rank 128"),
        ({"use_dora": "True"}, 64, "DoRA"),
    ],
)
def test_what_the_endpoint_could_not_load_is_refused(values: dict[str, str], rank: int, says: str) -> None:
    with pytest.raises(HyperparameterError, match=says):
        parse_servable(values, rank)
    parse_servable(values, ANY)


@pytest.mark.parametrize(
    ("flags", "rank"),
    [
        ({}, 64),
        ({"hyperparameters": {"lora_r": "65"}}, 128),
        ({"hyperparameters": {"lora_r": "130"}}, 256),
        ({"hosting": "merged", "hyperparameters": {"use_dora": "True", "lora_r": "100"}}, ANY),
    ],
)
def test_the_deployment_serves_its_recipe(flags: dict[str, object], rank: int) -> None:
    assert Settings.load(flags, {}).served_rank == rank


def test_dora_with_components_is_no_deployment() -> None:
    with pytest.raises(SettingsError, match="DoRA"):
        Settings.load({"hyperparameters": {"use_dora": "True"}}, {})


def test_a_family_that_the_container_serves_without_adapters_is_named() -> None:
    assert "family gpt_neox" in unservable_family("gpt_neox", 64)[0]
    assert unservable_family("gpt_neox", ANY) == [], "merged weights need no adapter"
    for family in ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma3_text", "phi", "phi3", "granite"):
        assert unservable_family(family, 64) == []
