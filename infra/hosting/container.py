"""The environment of AWS's serving container (LMI: DJL Serving with vLLM). Pure, standard library only."""

from __future__ import annotations


def lmi_environment(
    *,
    max_loras: int = 8,
    lora_rank: int = 64,
    tensor_parallel_degree: int = 1,
    max_model_len: int = 4096,
) -> dict[str, str]:
    """The container's variables for a base model that serves LoRA adapters as inference components.

    Args:
        max_loras: adapters on the GPU at once; eight times as many wait in memory.
        lora_rank: the largest rank of an adapter that can be loaded; vLLM reserves memory for it.
        tensor_parallel_degree: GPUs that share the model.
        max_model_len: tokens of prompt and answer together; Llama 2 was trained on 4,096.

    Names and values are those of AWS's own hosting configuration for a LoRA base on LMI (SageMaker Python
    SDK, djl-inference 0.34.0-lmi16). The weights are found in /opt/ml/model, where ModelDataSource mounts
    them.
    """
    return {
        **merged_environment(tensor_parallel_degree=tensor_parallel_degree, max_model_len=max_model_len),
        "OPTION_ENABLE_LORA": "true",
        "OPTION_MAX_LORAS": str(max_loras),
        "OPTION_MAX_CPU_LORAS": str(max_loras * 8),
        "OPTION_MAX_LORA_RANK": str(lora_rank),
        "SAGEMAKER_MAX_NUMBER_OF_ADAPTERS_IN_MEMORY": str(max_loras),
    }


def merged_environment(*, tensor_parallel_degree: int = 1, max_model_len: int = 4096) -> dict[str, str]:
    """The container's variables for one model without adapters; arguments as for `lmi_environment`."""
    return {
        "OPTION_ENTRYPOINT": "djl_python.lmi_vllm.vllm_async_service",
        "OPTION_ASYNC_MODE": "true",
        "OPTION_ROLLING_BATCH": "disable",
        "OPTION_TENSOR_PARALLEL_DEGREE": str(tensor_parallel_degree),
        "OPTION_MAX_MODEL_LEN": str(max_model_len),
        "SAGEMAKER_ENABLE_LOAD_AWARE": "1",
    }
