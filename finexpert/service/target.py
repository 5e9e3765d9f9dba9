"""Decides which cloud a command acts on: the embedded one or AWS.

`AWS_ENDPOINT_URL` set means the embedded cloud at that address. Otherwise `--on local|aws|auto` (or
`FINEXPERT_ON`) decides; `auto` takes the embedded cloud that runs in this checkout's `.localcloud/`, and AWS
when none runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from finexpert import paths
from finexpert.errors import UsageError, UserError

if TYPE_CHECKING:
    import boto3

    from infra.settings import Settings
    from localcloud.lifecycle import Cloud


class On(StrEnum):
    """Values of the global option `--on`."""

    LOCAL = "local"
    AWS = "aws"
    AUTO = "auto"


@dataclass(frozen=True)
class Target:
    """A cloud to act on. `environment` is a whole process environment for AWS clients and the CDK CLI.

    Args:
        endpoint_url: of the embedded cloud; None means AWS.
        flags: settings given on the command line.
    """

    endpoint_url: str | None
    environment: Mapping[str, str]
    flags: Mapping[str, str] = field(default_factory=dict)
    _clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    # Making a client of a session is not for several threads at once; using one is.
    _making: RLock = field(default_factory=RLock, init=False, repr=False, compare=False)

    @property
    def is_local(self) -> bool:
        """True for the embedded cloud, where nothing costs anything."""
        return self.endpoint_url is not None

    def settings(self) -> Settings:
        """The settings in force here.

        Raises:
            infra.settings.SettingsError: with all problems at once.
        """
        from infra.settings import Settings

        return Settings.load(self.flags, self.environment)

    def session(self) -> boto3.Session:
        """A boto3 session with this target's credentials and region; made once.

        On the embedded cloud the person's own profile is not even looked at: it may name nothing that exists.
        """
        if "session" not in self._clients:
            import boto3
            import botocore.session
            from botocore.utils import JSONFileCache

            of = self.environment.get
            no_profile = {"profile": (None, None, None, None)} if self.is_local else {}
            bare = botocore.session.Session(session_vars=no_profile)
            if certificate := of("AWS_CA_BUNDLE"):  # it may not be in this process's own environment
                bare.set_config_variable("ca_bundle", certificate)
            if not self.is_local:
                if of("AWS_PROFILE") and not of("AWS_ACCESS_KEY_ID"):
                    # Set like this, credentials in this process's own environment do not win over it.
                    bare.set_config_variable("profile", of("AWS_PROFILE"))
                # The AWS CLI's own cache, so that a profile with MFA asks for its code once, not every time.
                cache = JSONFileCache(str(Path("~/.aws/cli/cache").expanduser()))
                bare.get_component("credential_provider").get_provider("assume-role").cache = cache
            self._clients["session"] = boto3.Session(
                botocore_session=bare,
                aws_access_key_id=of("AWS_ACCESS_KEY_ID"),
                aws_secret_access_key=of("AWS_SECRET_ACCESS_KEY"),
                aws_session_token=of("AWS_SESSION_TOKEN") or None,
                region_name=of("AWS_REGION") or of("AWS_DEFAULT_REGION") or self.settings().region,
            )
        return self._clients["session"]

    @property
    def region(self) -> str:
        """The region that commands act in."""
        return str(self.session().region_name)

    def client(self, service: str, region: str | None = None, *, read_seconds: int = 60) -> Any:
        """A boto3 client of `service` ("sagemaker", "stepfunctions", …) in a region, by default the target's.

        Args:
            read_seconds: how long an answer may take before the request counts as failed.
        """
        key = f"{service} {region} {read_seconds}"
        with self._making:
            if key not in self._clients:
                from botocore.config import Config

                # What is on this machine either answers or is not there: waiting would not bring it back.
                retries: Any = {"mode": "standard", "total_max_attempts": 2 if self.is_local else 5}
                quick = Config(connect_timeout=5, read_timeout=read_seconds, retries=retries)
                self._clients[key] = self.session().client(
                    service, region_name=region, endpoint_url=self.endpoint_url, config=quick
                )
            return self._clients[key]

    def describe(self) -> str:
        """`on the embedded cloud http://…` or `on AWS account … region …` (asks STS for the account)."""
        if self.endpoint_url is not None:
            return f"on the embedded cloud {self.endpoint_url}"
        account = self.client("sts").get_caller_identity()["Account"]
        return f"on AWS account {account} region {self.region}"

    def caller(self) -> str:
        """The end of the ARN that acts; "" on the embedded cloud, or where it cannot be read."""
        if self.is_local:
            return ""
        try:
            arn = str(self.client("sts").get_caller_identity()["Arn"])
        except Exception:  # only a line of a report is lost
            return ""
        return arn.rsplit(":", 1)[-1].partition("/")[2] or "root"


def resolve(on: On, environ: Mapping[str, str], running: Callable[[], Cloud | None]) -> Target:
    """Pick the cloud. Pure but for `running`, which looks for this checkout's embedded cloud.

    Raises:
        UserError: `--on aws` against a set AWS_ENDPOINT_URL; `--on local` with no embedded cloud running.
    """
    url = environ.get("AWS_ENDPOINT_URL")
    if url and on is On.AWS:
        raise UsageError(
            f"--on aws, but AWS_ENDPOINT_URL is {url}: AWS clients would go there instead.",
            where="environment",
            fix="unset AWS_ENDPOINT_URL, or leave out --on aws.",
        )
    if on is On.AWS:
        return Target(None, dict(environ))
    cloud = running()
    if cloud and (not url or cloud.endpoint_url.rstrip("/") == url.rstrip("/")):
        return of_cloud(cloud, environ)
    if url:
        return Target(
            url, {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"} | _with_settings(environ)
        )
    if on is On.LOCAL:
        raise UserError(
            "No embedded cloud runs here.",
            where=str(paths.LOCAL_STATE),
            fix="Start one: finexpert local up. One elsewhere: set AWS_ENDPOINT_URL to its address.",
        )
    return Target(None, dict(environ))


def of_cloud(cloud: Cloud, environ: Mapping[str, str]) -> Target:
    """A running embedded cloud as a target, with the local settings file unless `environ` names another."""
    return Target(cloud.endpoint_url, _with_settings(cloud.environ(environ)))


def _with_settings(environ: Mapping[str, str]) -> dict[str, str]:
    return {"FINEXPERT_SETTINGS": str(paths.LOCAL_SETTINGS)} | dict(environ)


_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def from_environment(on: On, flags: Mapping[str, str] | None = None, profile: str = "") -> Target:
    """`resolve` with this process's environment and the embedded cloud of this checkout.

    Args:
        flags: settings given on the command line.
        profile: of the AWS configuration, in place of the environment's credentials; it means AWS.
    """
    environ = dict(os.environ)
    if profile:
        on = On.AWS if on is On.AUTO else on
        kept = {name: value for name, value in environ.items() if name not in _CREDENTIALS}
        environ = kept | {"AWS_PROFILE": profile}

    def running() -> Cloud | None:
        if not paths.LOCAL_STATE.exists():
            return None
        from localcloud import lifecycle

        return lifecycle.status(paths.LOCAL_STATE)

    return replace(resolve(on, environ, running), flags=flags or {})
