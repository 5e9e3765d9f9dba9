"""The serving container's variables: what fits on one A10G, and nothing that AWS does not document."""

from infra.hosting.container import lmi_environment, merged_environment


def test_adapters_and_requests_are_few_enough_for_a_small_gpu() -> None:
    found = lmi_environment(lora_rank=64)
    assert (found["OPTION_MAX_LORAS"], found["OPTION_MAX_LORA_RANK"]) == ("2", "64")
    for each in (found, merged_environment()):
        assert each["OPTION_GPU_MEMORY_UTILIZATION"] == "0.85"
        assert each["OPTION_MAX_ROLLING_BATCH_SIZE"] == "8"


def test_variables_for_unpacked_adapters_are_left_out() -> None:
    assert not [name for name in lmi_environment() if name.startswith("SAGEMAKER_")]
