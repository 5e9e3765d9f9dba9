"""The serving container's variables: what fits on one A10G, and nothing that AWS does not document."""

from core.endpoint.adapters import ANY
from infra.hosting.container import serving_environment


def test_adapters_and_requests_are_few_enough_for_a_small_gpu() -> None:
    found, merged = (serving_environment(gpus=1, lora_rank=rank) for rank in (64, ANY))
    assert (found["OPTION_MAX_LORAS"], found["OPTION_MAX_LORA_RANK"]) == ("2", "64")
    for each in (found, merged):
        assert each["OPTION_GPU_MEMORY_UTILIZATION"] == "0.85"
        assert each["OPTION_MAX_ROLLING_BATCH_SIZE"] == "8"


def test_variables_for_unpacked_adapters_are_left_out() -> None:
    names = serving_environment(gpus=1, lora_rank=64)
    assert not [name for name in names if name.startswith("SAGEMAKER_")]
