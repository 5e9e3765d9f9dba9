"""The server process: ministack with this package's services, on one loopback port, until SIGTERM."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localcloud import environment, processes, tls
from localcloud.lifecycle import STARTED

logger = logging.getLogger("localcloud")
EVALUATION_SECONDS = 5.0
OWNER_SECONDS = 0.5


def serve(*, port: int, owner: int, secure: bool) -> None:
    """Serve until SIGTERM (or until the process `owner`, if not 0, is gone), then end every child."""
    os.umask(0o077)  # datasets, weights and logs of jobs are its owner's alone
    state_dir = Path(os.environ["LOCALCLOUD_STATE_DIR"])
    listener = _listen(port)
    scheme = "https" if secure else "http"
    endpoint_url = f"{scheme}://{environment.LOOPBACK}:{listener.getsockname()[1]}"
    if secure:
        _speak_tls(state_dir, endpoint_url)
    # ministack and the SDK read these when they are imported, which is why the imports come after.
    os.environ["GATEWAY_PORT"] = str(listener.getsockname()[1])
    os.environ["AWS_ENDPOINT_URL"] = endpoint_url
    _write_client_files(state_dir, endpoint_url)
    from localcloud import control, door, plugins
    from localcloud.hooks import requests, signatures

    plugins.install()
    # Children of a job may outlive it; the cloud's own Popen handles are reaped where they were made.
    record = {"pid": os.getpid(), "started": processes.started_at(os.getpid()), "endpoint_url": endpoint_url}
    inside = control.in_front_of(requests.application(), started=time.time())
    application = door.in_front_of(inside, endpoint_url, signatures.signature_failure, signatures.refusal)
    try:
        asyncio.run(
            _run(application, listener, owner, lambda: _write(state_dir / STARTED, json.dumps(record)))
        )
    finally:
        plugins.shut_down()
        processes.stop_recorded(state_dir, grace_seconds=3.0)
        logger.info("The embedded cloud has stopped.")
        logging.shutdown()
        os._exit(0)  # its daemon threads may be anywhere in a wait: nothing of theirs is worth waiting for


async def _run(
    application: Callable[..., Awaitable[None]], listener: socket.socket, owner: int, ready: Any
) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.3
    config.loglevel = "WARNING"
    config.certfile = os.environ.get("MINISTACK_SSL_CERT")
    config.keyfile = os.environ.get("MINISTACK_SSL_KEY")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    background = [asyncio.create_task(_evaluate()), asyncio.create_task(_follow(owner, stop))]
    ready()
    await hypercorn_serve(application, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]
    for task in background:
        task.cancel()


async def _evaluate() -> None:
    """Evaluate alarms, which change by time alone too (missing data), and budgets, every few seconds."""
    from localcloud import billing, hooks

    while True:
        await asyncio.sleep(EVALUATION_SECONDS)
        try:
            await asyncio.to_thread(hooks.telemetry.evaluate_alarms)
            await asyncio.to_thread(billing.evaluate, datetime.now(UTC))
        except Exception:
            logger.exception("Evaluating alarms and budgets failed")


async def _follow(owner: int, stop: asyncio.Event) -> None:
    """Shut down when the owner has ended, even if it was killed and could not say so."""
    began = processes.started_at(owner) if owner else None
    if owner and began is None:
        stop.set()
    while owner and not stop.is_set():
        await asyncio.sleep(OWNER_SECONDS)
        if processes.started_at(owner) != began:
            logger.info("The owner (process %s) has ended: shutting down.", owner)
            stop.set()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((environment.LOOPBACK, port))
    except OSError as error:
        sys.exit(
            f"Port {port} of {environment.LOOPBACK} is not free ({error.strerror}). Choose another, or none."
        )
    listener.listen(256)
    return listener


def _speak_tls(state_dir: Path, endpoint_url: str) -> None:
    """Make the certificate, and have this process, ministack and every child know it."""
    folder = state_dir / environment.TLS
    tls.make_certificate(folder)
    os.environ |= environment.trust(state_dir, endpoint_url) | {
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(folder / tls.CERTIFICATE),
        "MINISTACK_SSL_KEY": str(folder / tls.KEY),
    }


def _write_client_files(state_dir: Path, endpoint_url: str) -> None:
    """Write a file in place of ~/.aws/config, for tools that ignore the variables."""
    config = f"[default]\nregion = {environment.REGION}\nendpoint_url = {endpoint_url}\n"
    if bundle := environment.trust(state_dir, endpoint_url).get("AWS_CA_BUNDLE"):
        config += f"ca_bundle = {bundle}\n"
    _write(state_dir / "aws-config", config)


def _write(path: Path, text: str) -> None:
    """Replace a file in one step, so that no reader sees half of it."""
    temporary = path.with_suffix(".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
