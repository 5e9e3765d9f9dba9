"""The environment of AWS's serving container (LMI: DJL Serving with vLLM). Pure, standard library only."""

MAX_LORAS = 2
"""Adapters on the GPU at once: the tuned one, and one more while another takes its place."""
GPU_MEMORY = 0.85
"""The share of a GPU that vLLM may fill. At its usual 0.9 seven billion parameters, adapters and CUDA graphs
are tight on the 22 GiB of an A10G (djl-serving, commit d21927c4: out of memory)."""
BATCH = 8
"""Requests that are answered together; LMI's usual 32 would reserve more memory than is left."""


def lmi_environment(
    *, lora_rank: int = 64, tensor_parallel_degree: int = 1, max_model_len: int = 4096
) -> dict[str, str]:
    """Return the container's variables for a base model that serves LoRA adapters as inference components.

    Args:
        lora_rank: the largest rank of an adapter that can be loaded; vLLM reserves memory for it.
        tensor_parallel_degree: GPUs that share the model.
        max_model_len: tokens of prompt and answer together; Llama 2 was trained on 4,096.

    Names are those of AWS's own hosting configuration for a LoRA base on LMI (SageMaker Python SDK,
    djl-inference 0.34.0-lmi16). Its SAGEMAKER_MAX_NUMBER_OF_ADAPTERS_IN_MEMORY and
    SAGEMAKER_ENABLE_LOAD_AWARE are left out: AWS shows them only with adapters that lie unpacked in S3. The
    weights are found in /opt/ml/model, where ModelDataSource mounts them.
    """
    return {
        **merged_environment(tensor_parallel_degree=tensor_parallel_degree, max_model_len=max_model_len),
        "OPTION_ENABLE_LORA": "true",
        "OPTION_MAX_LORAS": str(MAX_LORAS),
        "OPTION_MAX_CPU_LORAS": str(MAX_LORAS * 8),
        "OPTION_MAX_LORA_RANK": str(lora_rank),
    }


def merged_environment(*, tensor_parallel_degree: int = 1, max_model_len: int = 4096) -> dict[str, str]:
    """Return the container's variables for one model without adapters; arguments as for `lmi_environment`."""
    return {
        "OPTION_ENTRYPOINT": "djl_python.lmi_vllm.vllm_async_service",
        "OPTION_ASYNC_MODE": "true",
        "OPTION_ROLLING_BATCH": "disable",
        "OPTION_TENSOR_PARALLEL_DEGREE": str(tensor_parallel_degree),
        "OPTION_MAX_MODEL_LEN": str(max_model_len),
        "OPTION_GPU_MEMORY_UTILIZATION": str(GPU_MEMORY),
        "OPTION_MAX_ROLLING_BATCH_SIZE": str(BATCH),
    }
