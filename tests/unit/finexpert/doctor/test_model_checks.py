"""What `finexpert doctor` makes of licence, weights, hub and memory."""

import io
import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError

from core.hyperparameters import parse
from finexpert.doctor import Verdict, model
from finexpert.service.runs import base_model
from finexpert.service.runs.base_model import GIB, LLAMA_2_7B, LLAMA_2_7B_BYTES
from tests.unit.finexpert.doctor.answering import deployment
from training.model.memory_plan import MemoryPlan


def test_the_licence_is_needed_for_gated_weights_only() -> None:
    assert model.licence(deployment()).verdict is Verdict.BAD
    assert model.licence(deployment(accept_eula="true")).verdict is Verdict.GOOD
    assert model.licence(deployment(base_model_uri="s3://mine/model/")).verdict is Verdict.GOOD


def test_weights_are_a_configuration_with_safetensors() -> None:
    def finding(*names: str) -> Verdict:
        contents = [{"Key": f"model/{name}", "Size": 10} for name in names]
        answers = {"list_objects_v2": {"Contents": contents}}
        return model.weights(deployment(answers, base_model_uri="s3://mine/model/")).verdict

    assert finding("config.json", "model.safetensors") is Verdict.GOOD
    assert finding("config.json", "model.bin") is Verdict.BAD
    assert finding("model.safetensors") is Verdict.BAD
    assert finding() is Verdict.BAD


def in_the_hub(weights: str, status: str = "Supported") -> dict[str, Any]:
    document = {"HostingArtifactUri": weights, "DefaultInferenceInstanceType": "ml.g5.2xlarge"}
    described = {
        "HubContentName": "meta-textgeneration-llama-2-7b",
        "HubContentVersion": "4.19.0",
        "HubContentDocument": json.dumps(document),
        "SupportStatus": status,
    }
    return {"describe_hub_content": described}


HUBS = "s3://jumpstart-private-cache-prod-us-east-1/llama/artifacts/inference-prepack/v1.0.0/"


def test_doctor_says_where_the_hub_has_the_weights() -> None:
    found = model.hub(deployment(in_the_hub(HUBS)))
    assert found.verdict is Verdict.GOOD and HUBS in found.said and "4.19.0" in found.said
    assert "ml.g5.2xlarge to host" in found.said
    assert model.hub(deployment(in_the_hub(HUBS, "Deprecated"))).verdict is Verdict.UNKNOWN
    assert model.hub(deployment(in_the_hub("s3://x/model.tar.gz"))).verdict is Verdict.BAD
    assert model.hub(deployment(base_model_uri="s3://mine/model/")).verdict is Verdict.GOOD


def test_doctor_notices_when_the_hubs_weights_are_not_the_deployed_ones() -> None:
    given = deployment(in_the_hub(HUBS), base_model_uri=HUBS.replace("v1", "v0"))
    found = model.hub(replace(given, stored=given.settings))
    assert found.verdict is Verdict.BAD and "v0.0.0" in found.said and "cdk deploy --all" in found.fix
    given = deployment(in_the_hub(HUBS), base_model_uri=HUBS)
    assert model.hub(replace(given, stored=given.settings)).verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("code", "verdict", "said"),
    [
        ("ResourceNotFound", Verdict.BAD, "the hub has no meta-textgeneration-llama-2-7b"),
        ("AccessDeniedException", Verdict.UNKNOWN, "inference-prepack/v1.0.0/ are not confirmed"),
    ],
)
def test_a_hub_that_does_not_answer_is_no_good_news(code: str, verdict: Verdict, said: str) -> None:
    refusal = ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeHubContent")
    found = model.hub(deployment({"describe_hub_content": refusal}))
    assert found.verdict is verdict and said in found.said


@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        (["config.json", "model-00001-of-00002.safetensors"], Verdict.GOOD),
        (["config.json", "pytorch_model-00001-of-00002.bin"], Verdict.BAD),
        ([], Verdict.BAD),
    ],
)
def test_jumpstarts_files_are_looked_at_before_a_job(names: list[str], verdict: Verdict) -> None:
    links = [{"LocalPath": name, "Url": "https://x"} for name in names]
    listed = in_the_hub(HUBS) | {"create_hub_content_presigned_urls": {"AuthorizedUrlConfigs": links}}
    assert model.weights(deployment(listed, accept_eula="true")).verdict is verdict
    assert model.weights(deployment(listed)).verdict is Verdict.UNKNOWN, "the licence is not accepted"


@pytest.mark.parametrize("name", base_model.SHAPES)
def test_each_model_with_a_known_shape_has_its_memory_planned(name: str) -> None:
    found = model.memory(deployment(base_model=name))
    assert found.verdict is Verdict.GOOD and "ml.g5.2xlarge" in found.said, found


def test_the_memory_of_a_model_of_unknown_shape_is_not_claimed() -> None:
    assert model.memory(deployment(base_model="other-model")).verdict is Verdict.UNKNOWN


@cache
def step_of(instance_type: str = "ml.g5.2xlarge", **settings: str) -> MemoryPlan:
    """Llama 2 7B's, with JumpStart's rows of 1,024 tokens."""
    recipe = parse({"max_input_length": "1024"} | settings)
    plan = base_model.fit(LLAMA_2_7B, LLAMA_2_7B_BYTES, recipe, instance_type)
    assert plan is not None
    return plan


def test_the_recipe_needs_what_public_logs_of_the_same_job_show() -> None:
    """Its batch 4 × 1024 with all layers recomputed peaked at 17 GB; ours has no matrix of fp32 logits."""
    recomputed = step_of(gradient_checkpointing="true")
    logits = 4 * 1024 * 32_000 * 4  # and their gradient, less a chunk of both
    assert 17e9 - 2 * logits < recomputed.predicted < 17e9
    assert recomputed.available == pytest.approx(22.19 * GIB, rel=0.01)
    assert recomputed.fits
    assert not step_of(gradient_checkpointing="false").fits
    best = step_of()
    assert best.fits
    assert 0 < best.recomputed < LLAMA_2_7B["num_hidden_layers"]


@pytest.mark.parametrize(
    "more",
    [{"lora_r": "16"}, {"per_device_train_batch_size": "8"}, {"target_modules": "q_proj,v_proj,o_proj"}],
)
def test_more_of_anything_needs_more_memory(more: dict[str, str]) -> None:
    all_again = {"gradient_checkpointing": "true"}
    assert step_of(**all_again).predicted < step_of(**all_again | more).predicted


def test_what_does_not_fit_is_reported_with_the_remedy() -> None:
    assert model.judge_memory(step_of(), 32, "ml.g5.2xlarge").verdict is Verdict.GOOD
    finding = model.judge_memory(step_of("ml.g4dn.xlarge"), 32, "ml.g4dn.xlarge")
    assert finding.verdict is Verdict.BAD
    assert "per_device_train_batch_size" in finding.said
    assert model.judge_memory(None, 32, "ml.trn1.2xlarge").verdict is Verdict.UNKNOWN


def test_little_room_is_a_warning_where_nothing_more_can_be_saved() -> None:
    tight = MemoryPlan(recomputed=32, predicted=97 * GIB, available=100 * GIB)
    finding = model.judge_memory(tight, 32, "ml.g5.2xlarge")
    assert finding.verdict is Verdict.WARNING and "3.0% of room" in finding.said
    assert "max_input_length" in finding.fix
    assert model.judge_memory(replace(tight, predicted=90 * GIB), 32, "x").verdict is Verdict.GOOD
    more = model.judge_memory(replace(tight, recomputed=20), 32, "ml.g5.2xlarge")
    assert more.verdict is Verdict.GOOD and "12 more layers can be recomputed" in more.said


def test_the_memory_of_ones_own_model_is_reckoned_from_its_files() -> None:
    config = {
        "model_type": "llama",
        "num_hidden_layers": 2,
        "hidden_size": 64,
        "intermediate_size": 128,
        "vocab_size": 100,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }
    answers = {
        "get_object": {"Body": io.BytesIO(json.dumps(config).encode())},
        "list_objects_v2": {"Contents": [{"Key": "model/model.safetensors", "Size": 5 * GIB}]},
    }
    assert model.memory(deployment(answers, base_model_uri="s3://mine/model/")).verdict is Verdict.GOOD
