"""`python -m serving`: load the model of $SAGEMAKER_BASE_DIR/model and answer until SIGTERM.

Settings (environment): SAGEMAKER_BASE_DIR (/opt/ml), SAGEMAKER_BIND_TO_PORT (8080), SERVING_HOST (127.0.0.1),
SERVING_THREADS (1), SERVING_QUEUE (16), SERVING_MAX_NEW_TOKENS (1024), SAGEMAKER_CONTAINER_KEY (the embedded
cloud's key, which requests must then hold), and the AWS container's OPTION_ENABLE_LORA, OPTION_MAX_LORAS,
OPTION_MAX_LORA_RANK, OPTION_MAX_MODEL_LEN.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING

from core.environment import ConfigurationError
from core.imports import lasting_imports
from serving.settings import Settings

if TYPE_CHECKING:
    from serving.engine import Engine

# Of the 30 seconds that AWS gives between SIGTERM and SIGKILL:
DRAIN_SECONDS = 25.0  # for the model to finish what it has promised
SENDING_SECONDS = 3.0  # for the last answers to leave
IDLE_SECONDS = 60.0  # a connection without a request is closed after so long


def main() -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status.

    Problems are one line on stderr.
    """
    began = time.monotonic()
    # a hub is never asked: what is served has been put into the folder
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    try:
        settings = Settings.from_environment(os.environ)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    if not (settings.model_dir / "config.json").is_file():
        print(f"There is no model in {settings.model_dir}: config.json is missing.", file=sys.stderr)
        return 1
    with lasting_imports():  # which take seconds, so after the cheap checks
        from serving.engine import Engine, ModelError

    try:
        engine = Engine(settings)
        listener = socket.create_server((settings.host, settings.port), backlog=128)
    except (ModelError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    seconds = time.monotonic() - began
    print(
        f"Serving {settings.model_dir} on port {listener.getsockname()[1]} after {seconds:.1f} s", flush=True
    )
    return 0 if asyncio.run(_serve(engine, settings, listener)) else 1


async def _serve(engine: "Engine", settings: Settings, listener: socket.socket) -> bool:
    """Answer until a signal comes; False where an answer was still missing when time was up."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from serving.server import application
    from serving.worker import Worker

    worker = Worker(engine.generate, queue_length=settings.queue)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    finished = False

    async def drained() -> None:
        nonlocal finished
        await stop.wait()
        print("Shutting down", flush=True)
        finished = await worker.close(DRAIN_SECONDS)

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.keep_alive_timeout = IDLE_SECONDS
    config.graceful_timeout = SENDING_SECONDS
    config.loglevel = "WARNING"
    app = application(engine, worker, most_new_tokens=settings.max_new_tokens, key=settings.key)
    await serve(app, config, shutdown_trigger=drained)  # type: ignore[arg-type]
    return finished


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # the model's thread may still compute, for which Python's end would wait
