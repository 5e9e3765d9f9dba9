"""Bedrock's prices from the Price List's two service codes, in the shapes that it answers with."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from finexpert.service.benchmark import price_list
from tests.fakes.price_list import PriceList, product

TODAY = date(2026, 11, 29)


CLAUDE = {"servicename": "Claude Haiku 4.5 (Amazon Bedrock Edition)"}
LISTED = {
    "AmazonBedrock": [
        product("USE1-NovaLite-input-tokens", "0.00007", unit="1K tokens", model="Nova Lite"),
        product("USE1-NovaLite-output-tokens", "0.0003", unit="1K tokens", model="Nova Lite"),
        product("USE1-NovaLite-input-tokens-batch", "0.00003", unit="1K tokens", model="Nova Lite"),
        product("USE1-NovaLite-input-tokens-custom-model", "0.9", unit="1K tokens", model="Nova Lite"),
        product("USE1-NovaPro-input-tokens", "0.0008", unit="1K tokens", model="Nova Pro"),
    ],
    "AmazonBedrockFoundationModels": [
        product("USE1-MP:USE1_InputTokenCount-Units", "1.1", unit="Units", **CLAUDE),
        product("USE1-MP:USE1_OutputTokenCount-Units", "5.5", unit="Units", **CLAUDE),
        product("USE1-MP:USE1_InputTokenCount_Global-Units", "1.0", unit="Units", **CLAUDE),
    ],
}


def refresh(file: Path, models: list[str]) -> Any:
    def find(service: str, fields: dict[str, str]) -> list[str]:
        assert fields == {"regionCode": "us-east-1"}
        return LISTED[service]

    return price_list.refresh(PriceList(find), region="us-east-1", models=models, today=TODAY, file=file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return Path(shutil.copy(price_list.PRICES_FILE, tmp_path / "prices.json"))


def test_prices_of_both_service_codes_are_read_per_million_tokens(file: Path) -> None:
    models = ["us.amazon.nova-lite-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0"]
    read, problems = refresh(file, models)
    assert read == {
        "amazon.nova-lite-v1:0": {"input": 0.07, "output": 0.3},
        "anthropic.claude-haiku-4-5-20251001-v1:0": {"input": 1.1, "output": 5.5},
    }
    assert problems == []
    rows = json.loads(file.read_text())["models"]
    lite = rows["amazon.nova-lite-v1:0"]
    assert lite["date"] == "2026-11-29" and lite["input"] == 0.07
    assert rows["amazon.nova-pro-v1:0"] == {"input": 0.8, "output": 3.2}, "others stay as they were"


def test_a_price_that_is_not_the_only_one_is_not_taken(file: Path) -> None:
    before = file.read_text()
    models = ["amazon.nova-pro-v1:0", "meta.unknown-v1:0"]
    read, problems = refresh(file, models)
    assert read == {} and len(problems) == 2 and "0 for output" in problems[0]
    assert file.read_text() == before
