"""Models that answer: the running copies of a variant's or a component's model.

A `Fleet` is what a variant or a base component runs: its model's data in one folder, and as many
containers on it as the variant has instances (or the component copies). `fleets` holds all of them by
their owner.
"""

import http.client
import itertools
import json
import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import platform
from localcloud.faults import faults
from localcloud.sagemaker import archive, images, s3_files, store, telemetry
from localcloud.sagemaker.container import Server, replaced
from localcloud.sagemaker.log_stream import LogStream
from localcloud.sagemaker.options import options

logger = logging.getLogger(__name__)
fleets: "dict[str, Fleet]" = {}
_generation = itertools.count(1)


class StartFailed(Exception):
    """A model could not be brought into service; the message is the FailureReason."""


@dataclass(frozen=True)
class Placement:
    """The place of a fleet: its endpoint and variant, or component."""

    endpoint_name: str
    variant_name: str
    component_name: str | None = None

    @property
    def dimensions(self) -> dict[str, str]:
        return telemetry.invocation_dimensions(self.endpoint_name, self.variant_name, self.component_name)

    @property
    def log_group(self) -> str:
        if self.component_name:
            return f"{platform.COMPONENTS}/{self.component_name}"
        return f"{platform.ENDPOINTS}/{self.endpoint_name}"

    @property
    def words(self) -> str:
        if self.component_name:
            return f"inference component {self.component_name}"
        return f"production variant {self.variant_name}"


@dataclass(eq=False)
class Copy:
    """One container of a fleet."""

    server: Server
    log: LogStream
    in_flight: int = 0


@dataclass
class Fleet:
    """The running copies of one model."""

    placement: Placement
    container: Mapping[str, Any]  # the model's ContainerDefinition
    role_arn: str
    startup_seconds: float
    variant: Mapping[str, Any]  # the ProductionVariant whose instances it runs on
    copies: list[Copy] = field(default_factory=list)
    adapters: dict[str, Path] = field(default_factory=dict)
    _stopped: bool = False
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        owner = self.placement.component_name or self.placement.variant_name
        base = platform.state_dir() / "endpoints" / self.placement.endpoint_name
        self.folder = base / f"{owner}-{next(_generation)}"

    def start(self, count: int) -> None:
        """Fetch the model, start `count` containers and wait until each answers /ping.

        Raises:
            StartFailed: with AWS's reason; nothing is left running then.
        """
        try:
            self._fetch()
            self.scale(count)
        except Exception:
            self.stop(0.0)
            raise

    def scale(self, count: int) -> None:
        """Start or stop containers until there are `count`."""
        started = self._start_copies(count - len(self.copies))
        with self._guard:
            self.copies += started
            surplus, self.copies = self.copies[count:], self.copies[:count]
        for copy in surplus:
            self._end(copy, options.endpoint_grace)

    def stop(self, grace_seconds: float) -> None:
        """End all containers and remove the model's files."""
        self._stopped = True
        with self._guard:
            ending, self.copies = self.copies, []
        for copy in ending:
            self._end(copy, grace_seconds)
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            self.folder.parent.rmdir()  # the endpoint's folder, once its last fleet has gone

    def begin(self) -> Copy | None:
        """The least busy copy, with one request more on it; `done` takes it off. None without copies."""
        with self._guard:
            if not self.copies:
                return None
            copy = min(self.copies, key=lambda one: one.in_flight)
            copy.in_flight += 1
            return copy

    def done(self, copy: Copy) -> None:
        """A request that `begin` gave out is over."""
        with self._guard:
            copy.in_flight -= 1

    @property
    def in_flight(self) -> int:
        """Requests being answered now."""
        return sum(copy.in_flight for copy in self.copies)

    def tend(self) -> None:
        """Send new log lines on; start a container again that has ended, as AWS does."""
        for copy in list(self.copies):
            copy.log.pump(store.now())
            if copy.server.exit_code() is not None and not self._stopped:
                copy.log.say(f"The container ended with exit code {copy.server.exit_code()}.", store.now())
                try:
                    [fresh] = self._start_copies(1)
                except StartFailed as failure:
                    logger.warning("%s", failure)
                    continue
                with self._guard:
                    wanted = copy in self.copies
                    self.copies = [fresh if one is copy else one for one in self.copies]
                if not wanted:  # scaled away since
                    self._end(fresh, 0.0)

    def say(self, line: str) -> None:
        """Write a line to every copy's log."""
        for copy in self.copies:
            copy.log.say(line, store.now())

    # ---- adapters ------------------------------------------------------------------------------------------

    def add_adapter(self, name: str, folder: Path) -> None:
        """Load an adapter into every copy, in place of one of the same name.

        Raises:
            StartFailed: with the container's own words; the adapter is then in none.
        """
        self.remove_adapter(name)
        try:
            for copy in self.copies:
                self._post_adapter(copy, name, folder)
        except StartFailed:
            self.remove_adapter(name)
            raise
        self.adapters[name] = folder

    def remove_adapter(self, name: str) -> None:
        """Unload an adapter from every copy that has it."""
        self.adapters.pop(name, None)
        for copy in self.copies:
            with suppress(OSError, http.client.HTTPException):
                copy.server.ask("DELETE", f"/adapters/{name}", timeout=options.invocation_timeout)

    def _post_adapter(self, copy: Copy, name: str, folder: Path) -> None:
        body = json.dumps({"name": name, "src": str(folder)}).encode()
        try:
            status, answer = copy.server.ask("POST", "/adapters", body, timeout=options.invocation_timeout)
        except (OSError, http.client.HTTPException) as error:
            raise StartFailed(
                f"The container of {self.placement.words} did not load adapter {name}: {error}"
            ) from error
        if status != http.client.OK:
            reason = answer.decode("utf-8", "replace")
            raise StartFailed(
                f"The container of {self.placement.words} refused adapter {name} ({status}): {reason}"
            )

    # ---- starting ------------------------------------------------------------------------------------------

    def _fetch(self) -> None:
        target = self.folder / "model"
        target.mkdir(parents=True)
        source = self.container.get("ModelDataSource", {}).get("S3DataSource")
        uri = self.container.get("ModelDataUrl") or (source or {}).get("S3Uri")
        if not uri:
            return
        try:
            s3 = platform.role_client("s3", self.role_arn)
            if source and source.get("CompressionType", "None") == "None":
                found = s3_files.download_prefix(s3, uri, target)
                if not found:
                    raise s3_files.DataError("there is nothing under that prefix")
            else:
                fetch_archive(s3, uri, target)
        except (ClientError, BotoCoreError, s3_files.DataError, archive.UnsafeArchive) as error:
            raise StartFailed(
                f"Failed to download model data for {self.placement.words} from URL: {uri}. Please ensure "
                "that there is an object located at the URL and that the role passed to CreateModel has "
                f"permissions to download the model. ({error})"
            ) from error

    def _start_copies(self, count: int) -> list[Copy]:
        """Start containers side by side; all of them are ready, or none is left."""
        started: list[Copy] = []
        try:
            for _ in range(count):
                started.append(self._launch())
            for copy in started:
                self._wait_for_ping(copy)
                for name, folder in self.adapters.items():
                    self._post_adapter(copy, name, folder)
        except Exception:
            for copy in started:
                self._end(copy, 0.0)
            raise
        return started

    def _launch(self) -> Copy:
        if fault := faults.take("sagemaker", "ProvisionEndpointInstance"):
            raise StartFailed(fault.text)
        image = self.container.get("Image", "")
        program = images.program_for(image)
        if program is None:
            known = ", ".join(images.programs())
            raise StartFailed(
                f"The embedded cloud has no program in place of image {image!r}; it has for: {known}."
            )
        if not images.driver_fits(image, self.variant):
            raise StartFailed(
                f"CannotStartContainerError. Please ensure the model container for {self.placement.words} "
                "starts correctly when invoked with 'docker run <image> serve'."
            )
        own = {
            name: replaced(value, self.folder)
            for name, value in self.container.get("Environment", {}).items()
        }
        try:
            server = Server(program, platform.role_credentials(self.role_arn) | own, self.folder)
        except (ClientError, BotoCoreError, OSError) as error:
            raise StartFailed(
                f"The container for {self.placement.words} could not be started: {error}"
            ) from error
        # AWS names the stream after the instance, which there is none of: the group's number stands for it
        stream = f"{self.placement.variant_name}/i-{server.group:017x}"
        return Copy(server, LogStream(server.log_path, self.placement.log_group, stream))

    def _wait_for_ping(self, copy: Copy) -> None:
        deadline = time.monotonic() + self.startup_seconds
        while time.monotonic() < deadline and not self._stopped:
            if copy.server.exit_code(0.05) is not None:
                break
            copy.log.pump(store.now())
            if copy.server.is_ready():
                return
        raise StartFailed(
            f"The primary container for {self.placement.words} did not pass the ping health check. Please "
            "check CloudWatch logs for this endpoint."
        )

    def _end(self, copy: Copy, grace_seconds: float) -> None:
        copy.server.stop(grace_seconds)
        copy.log.pump(store.now(), last=True)


def failure_reason(error: Exception) -> str:
    """The FailureReason for what ended a background task; what was not foreseen goes to the cloud's log."""
    if isinstance(error, StartFailed):
        return str(error)
    logger.error("Hosting failed", exc_info=error)
    return "InternalServerError: We encountered an internal error. Please try again."


def fetch_archive(s3: Any, uri: str, folder: Path) -> None:
    """Fetch a tar.gz from S3 and unpack it into `folder`."""
    bucket, key = s3_files.split_uri(uri)
    with tempfile.TemporaryFile(dir=platform.state_dir()) as packed:
        s3.download_fileobj(bucket, key, packed)
        packed.seek(0)
        archive.unpack(packed, folder)
