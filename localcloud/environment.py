"""The environment variables around the embedded cloud: those of its server, and those of its clients.

Both are written so that neither a person's AWS profile nor their credentials are ever read or used.
"""

import configparser
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from localcloud import tls

ACCOUNT = "000000000000"
REGION = "us-east-1"
CREDENTIALS = "aws-credentials"
LOOPBACK = "127.0.0.1"
TLS = "tls"
REPOSITORY = Path(__file__).resolve().parents[1]

# Variables that the server (and so every Lambda, job and endpoint) takes over from the caller.
# Nothing else: on AWS a Lambda does not see its author's environment either.
INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
INHERITED_PREFIXES = (
    "OMP_",
    "MKL_",
    "OPENBLAS_",
    "COVERAGE_",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX",
)


def trust(state_dir: Path, endpoint_url: str) -> dict[str, str]:
    """Variables that let Python, boto3 and Node trust the certificate of a cloud that speaks TLS."""
    if not endpoint_url.startswith("https:"):
        return {}
    certificate = str(state_dir / TLS / tls.CERTIFICATE)
    names = ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    return dict.fromkeys(names, certificate)


def make_credentials(state_dir: Path) -> None:
    """Write a new secret for this cloud into a file that only its owner can read; an AWS profile's format.

    Every request to the cloud has to be signed with it, or under a role that was assumed with it.
    """
    path = state_dir / CREDENTIALS
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        secret = secrets.token_urlsafe(32)
        file.write(f"[default]\naws_access_key_id = {ACCOUNT}\naws_secret_access_key = {secret}\n")


def secret(state_dir: Path) -> str:
    """The secret that this cloud's requests are signed with; "" where no cloud has been started."""
    profile = configparser.ConfigParser(interpolation=None)
    profile.read(state_dir / CREDENTIALS, encoding="utf-8")
    return profile.get("default", "aws_secret_access_key", fallback="")


def identity(state_dir: Path) -> dict[str, str]:
    """The variables that give a process this cloud's account and region, not one of the user's profiles."""
    return {
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": secret(state_dir),
        "AWS_SESSION_TOKEN": "",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": str(state_dir / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(state_dir / CREDENTIALS),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def client(state_dir: Path, endpoint_url: str) -> dict[str, str]:
    """Variables that let AWS clients and the CDK CLI work on this cloud, and only on it."""
    return (
        trust(state_dir, endpoint_url)
        | identity(state_dir)
        | {
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_PAGER": "",
            "CDK_DEFAULT_ACCOUNT": ACCOUNT,
            "CDK_DEFAULT_REGION": REGION,
            "CDK_DISABLE_CLI_TELEMETRY": "1",
            "CDK_DISABLE_VERSION_CHECK": "1",
            "NO_PROXY": LOOPBACK + ",localhost",
            "no_proxy": LOOPBACK + ",localhost",
        }
    )


def for_program(state_dir: Path, endpoint_url: str, base: Mapping[str, str]) -> dict[str, str]:
    """A whole environment for a child: `base` without its AWS and CDK settings, and `client` on top.

    Its temporary files go into the state folder as well: the CDK CLI leaves some behind at every bootstrap.
    """
    kept = {key: value for key, value in base.items() if not key.startswith(("AWS_", "CDK_"))}
    return kept | client(state_dir, endpoint_url) | {"TMPDIR": str(state_dir / "tmp")}


def server(
    state_dir: Path, *, auth: bool, provision_seconds: float, wait_scale: float, base: Mapping[str, str]
) -> dict[str, str]:
    """The server's environment. ministack reads its settings when it is imported, hence from here.

    The port is not among them: the server binds one and records it (see `localcloud.server`).
    """
    tmp = state_dir / "tmp"
    kept = {
        key: value for key, value in base.items() if key in INHERITED or key.startswith(INHERITED_PREFIXES)
    }
    programs = [str(Path(sys.executable).parent), str(REPOSITORY / "node_modules" / ".bin")]
    path = os.pathsep.join([*programs, kept.get("PATH", os.defpath)])
    # An instance here is one core, unless the user says otherwise: results do not depend on the machine's
    # number of cores, and jobs that run side by side do not wait for each other's threads.
    return (
        {"OMP_NUM_THREADS": "1"}
        | kept
        | identity(state_dir)
        | {
            "PATH": path,
            "HOME": str(tmp),
            "TMPDIR": str(tmp),
            "PYTHONUNBUFFERED": "1",
            "NODE_PATH": str(REPOSITORY / "node_modules"),
            "NO_PROXY": LOOPBACK + ",localhost",
            "BIND_HOST": LOOPBACK,
            "MINISTACK_HOST": LOOPBACK,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PERSIST_STATE": "0",
            # LookupEvents answers from these records.
            "CLOUDTRAIL_RECORDING": "1",
            "CLOUDTRAIL_MAX_EVENTS": "4000",
            "STATE_DIR": str(tmp / "ministack-state"),
            "S3_DATA_DIR": str(tmp / "ministack-s3"),
            "LAMBDA_EXECUTOR": "local",
            # No Docker, ever: ministack would look for (and remove) containers of another ministack on this
            # machine.
            "DOCKER_HOST": f"unix://{tmp}/no-docker.sock",
            "AUTH": "true" if auth else "false",
            "SFN_WAIT_SCALE": str(wait_scale),
            "LOG_LEVEL": "INFO",
            "LOCALCLOUD_STATE_DIR": str(state_dir),
            "LOCALCLOUD_PROVISION_SECONDS": str(provision_seconds),
        }
    )
