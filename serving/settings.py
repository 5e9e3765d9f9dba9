"""What the server reads from its environment, typed and checked at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(ValueError):
    """The environment cannot be served with; every problem on a line of its own."""


VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The maximal ranks that stop no engine. Source: vLLM, vllm/config/lora.py, `MaxLoRARanks`."""


@dataclass(frozen=True)
class Settings:
    """Where the model is and what one server takes on.

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

    @property
    def has_model(self) -> bool:
        """Whether there is a model in Hugging Face layout."""
        return (self.model_dir / "config.json").is_file()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: naming each variable that is wrong, its value and what it must be.
        """
        problems: list[str] = []

        def number(name: str, default: int, least: int) -> int:
            text = environ.get(name, "")
            try:
                value = int(text or default)
            except ValueError:
                value = least - 1
            if value < least:
                problems.append(f"{name} is {text!r}; it must be a whole number of {least} or more.")
            return value

        lora = environ.get("OPTION_ENABLE_LORA", "true").lower()
        if lora not in ("true", "false"):
            problems.append(f"OPTION_ENABLE_LORA is {lora!r}; it must be true or false.")
        settings = cls(
            base_dir=Path(environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")),
            host=environ.get("SERVING_HOST", "127.0.0.1"),
            port=number("SAGEMAKER_BIND_TO_PORT", 8080, 0),
            threads=number("SERVING_THREADS", 1, 1),
            queue=number("SERVING_QUEUE", 16, 1),
            max_new_tokens=number("SERVING_MAX_NEW_TOKENS", 1024, 1),
            enable_lora=lora == "true",
            max_loras=number("OPTION_MAX_LORAS", 8, 1),
            max_lora_rank=number("OPTION_MAX_LORA_RANK", 64, 1),
            max_model_len=number("OPTION_MAX_MODEL_LEN", 1, 1)
            if environ.get("OPTION_MAX_MODEL_LEN")
            else None,
            key=environ.get("SAGEMAKER_CONTAINER_KEY", ""),
        )
        if settings.max_lora_rank not in VLLM_RANKS:
            problems.append(
                f"OPTION_MAX_LORA_RANK is {settings.max_lora_rank};"
                f" vLLM knows {', '.join(map(str, VLLM_RANKS))}."
            )
        if problems:
            raise SettingsError("\n".join(problems))
        return settings
