"""The server's settings, read from its environment and checked at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from core.endpoint.adapters import VLLM_RANKS
from core.environment import Variables


@dataclass(frozen=True)
class Settings:
    """The model's place, and the limits of one server.

    The OPTION_* names are the AWS container's, so that a base component's limits hold here as well.
    """

    base_dir: Path  # the container's /opt/ml
    host: str
    port: int
    threads: int  # torch's
    queue: int  # requests that wait while one is answered; more are turned away
    max_new_tokens: int  # the most that a request may ask for
    enable_lora: bool
    max_loras: int
    max_lora_rank: int
    max_model_len: int | None  # tokens of prompt and answer; None: the model's own
    key: str  # what requests must hold; "": none was given

    @property
    def model_dir(self) -> Path:
        return self.base_dir / "model"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings.

        Raises:
            ConfigurationError: naming each variable that is wrong, its value and what it must be.
        """
        variables = Variables(environ)
        whole, longest = variables.whole, "OPTION_MAX_MODEL_LEN"
        settings = cls(
            base_dir=Path(variables.text("SAGEMAKER_BASE_DIR", "/opt/ml")),
            host=variables.text("SERVING_HOST", "127.0.0.1"),
            port=whole("SAGEMAKER_BIND_TO_PORT", 8080),
            threads=whole("SERVING_THREADS", 1, low=1),
            queue=whole("SERVING_QUEUE", 16, low=1),
            max_new_tokens=whole("SERVING_MAX_NEW_TOKENS", 1024, low=1),
            enable_lora=variables.flag("OPTION_ENABLE_LORA", True),
            max_loras=whole("OPTION_MAX_LORAS", 8, low=1),
            max_lora_rank=whole("OPTION_MAX_LORA_RANK", 64, low=1),
            max_model_len=whole(longest, low=1) if variables.text(longest) else None,
            key=environ.get("SAGEMAKER_CONTAINER_KEY", ""),
        )
        if settings.max_lora_rank not in VLLM_RANKS:
            known = ", ".join(map(str, VLLM_RANKS))
            variables.problem(f"OPTION_MAX_LORA_RANK is {settings.max_lora_rank}; vLLM knows {known}.")
        variables.check()
        return settings
