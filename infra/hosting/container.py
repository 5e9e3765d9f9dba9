"""The environment of AWS's serving container (LMI: DJL Serving with vLLM). Pure, standard library only."""

MAX_LORAS = 2
"""Adapters on the GPU at once: the tuned one, and one more while another takes its place."""
GPU_MEMORY = 0.85
"""The share of a GPU that vLLM may fill. At its usual 0.9 seven billion parameters, adapters and CUDA graphs
are tight on the 22 GiB of an A10G (djl-serving, commit d21927c4: out of memory)."""
BATCH = 8
"""Requests that are answered together; LMI's usual 32 would reserve more memory than is left."""
CONTEXT_TOKENS = 4096
"""Tokens of prompt and answer together: what Llama 2 was trained on."""


def serving_environment(*, gpus: int, lora_rank: int) -> dict[str, str]:
    """Return the container's variables for a base model that serves LoRA adapters as inference components.

    Args:
        gpus: that share the model; with none, the processor has it alone.
        lora_rank: the largest rank of an adapter that can be loaded, for which vLLM reserves memory; `ANY` of
            core.endpoint.adapters, which is 0, for one model without adapters.

    Names are those of AWS's own hosting configuration for a LoRA base on LMI (SageMaker Python SDK,
    djl-inference 0.34.0-lmi16). Its SAGEMAKER_MAX_NUMBER_OF_ADAPTERS_IN_MEMORY and
    SAGEMAKER_ENABLE_LOAD_AWARE are left out: AWS shows them only with adapters that lie unpacked in S3. The
    weights are found in /opt/ml/model, where ModelDataSource mounts them.
    """
    adapters = {
        "OPTION_ENABLE_LORA": "true",
        "OPTION_MAX_LORAS": str(MAX_LORAS),
        "OPTION_MAX_CPU_LORAS": str(MAX_LORAS * 8),
        "OPTION_MAX_LORA_RANK": str(lora_rank),
    }
    return {
        "OPTION_ENTRYPOINT": "djl_python.lmi_vllm.vllm_async_service",
        "OPTION_ASYNC_MODE": "true",
        "OPTION_ROLLING_BATCH": "disable",
        "OPTION_TENSOR_PARALLEL_DEGREE": str(max(gpus, 1)),
        "OPTION_MAX_MODEL_LEN": str(CONTEXT_TOKENS),
        "OPTION_GPU_MEMORY_UTILIZATION": str(GPU_MEMORY),
        "OPTION_MAX_ROLLING_BATCH_SIZE": str(BATCH),
        **(adapters if lora_rank else {}),
    }
