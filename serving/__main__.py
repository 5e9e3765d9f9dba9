"""`python -m serving`: load the model of $SAGEMAKER_BASE_DIR/model and answer until SIGTERM.

Settings (environment): SAGEMAKER_BASE_DIR (/opt/ml), SAGEMAKER_BIND_TO_PORT (8080), SERVING_HOST (127.0.0.1),
SERVING_THREADS (1), SERVING_QUEUE (16), SERVING_MAX_NEW_TOKENS (1024), and the AWS container's
OPTION_ENABLE_LORA, OPTION_MAX_LORAS, OPTION_MAX_LORA_RANK, OPTION_MAX_MODEL_LEN.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from serving.settings import Settings, SettingsError

# Of the 30 seconds that AWS gives between SIGTERM and SIGKILL:
DRAIN_SECONDS = 25.0  # for the model to finish what it has promised
SENDING_SECONDS = 3.0  # for the last answers to leave
# Blocked everywhere and waited for: a handler runs in the main thread, which sleeps on where the system gives
# the signal to another one.
STOPPING = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Serve until one of STOPPING comes, which the caller has blocked; returns the exit status.

    Problems are one line on stderr.
    """
    began = time.monotonic()
    # a hub is never asked: what is served has been put into the folder
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    if not settings.has_model:
        print(f"There is no model in {settings.model_dir}: config.json is missing.", file=sys.stderr)
        return 1
    from serving.engine import Engine, ModelError  # seconds of imports, so after the cheap checks
    from serving.server import Server
    from serving.worker import Worker

    try:
        engine = Engine(settings)
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    worker = Worker(engine, queue_length=settings.queue)
    server = Server((settings.host, settings.port), engine, worker, most_new_tokens=settings.max_new_tokens)
    threading.Thread(target=server.serve_forever, daemon=True, name="http").start()
    seconds = time.monotonic() - began
    print(f"Serving {settings.model_dir} on port {server.server_port} after {seconds:.1f} s", flush=True)
    signal.sigwait(STOPPING)
    print("Shutting down", flush=True)
    finished = worker.close(DRAIN_SECONDS)
    server.shutdown()
    server.server_close()  # who knocks now is refused
    sent = server.drain(SENDING_SECONDS)
    return 0 if finished and sent else 1


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)  # before any thread, which begins with what is blocked
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # threads of clients that were turned away may still write, on which Python's end aborts
