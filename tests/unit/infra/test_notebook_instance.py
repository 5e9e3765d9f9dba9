"""The notebook instance's own scripts: when it stops itself, and what it starts with."""

import ast
import base64
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra.notebook import idle_stop, on_start
from infra.settings import Settings, SettingsError

NOW = datetime(2026, 1, 31, 14, 0, tzinfo=UTC)
REPOSITORY = "https://github.com/someone/expert.git"
MOST_CHARACTERS = 16384
METADATA = {
    "ResourceName": "finexpert-notebook",
    "ResourceArn": "arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance/finexpert-notebook",
}


def status(minutes_ago: float) -> dict[str, Any]:
    """Jupyter's answer, as it writes times."""
    last = NOW - timedelta(minutes=minutes_ago)
    return {"last_activity": last.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "connections": 1, "kernels": 1}


@pytest.mark.parametrize(
    ("minutes_ago", "state", "stops"),
    [(59, "idle", False), (60, "idle", True), (600, "busy", False), (600, "idle", True)],
)
def test_it_stops_when_no_person_and_no_kernel_worked(minutes_ago: int, state: str, stops: bool) -> None:
    kernels = [{"execution_state": "idle"}, {"execution_state": state}]
    since = idle_stop.idle_since(status(minutes_ago), kernels)
    assert idle_stop.idle(since, 60, NOW) is stops


def test_without_any_kernel_the_servers_own_activity_counts() -> None:
    assert idle_stop.idle_since(status(5), []) == NOW - timedelta(minutes=5)


class Jupyter(BaseHTTPRequestHandler):
    """Answers as Jupyter does, and writes down what it was asked."""

    asked: list[str]
    last_activity = ""

    def do_GET(self) -> None:
        self.asked.append(self.path)
        answer: Any = {"last_activity": self.last_activity} if "status" in self.path else []
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """The tests' output stays clean."""


@pytest.fixture
def jupyter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[Jupyter]]:
    handler = type("Here", (Jupyter,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(idle_stop.ask, "__defaults__", (address,))
    metadata = tmp_path / "resource-metadata.json"
    metadata.write_text(json.dumps(METADATA))
    monkeypatch.setattr(idle_stop, "METADATA", metadata)
    yield handler
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("ago", "stopped"), [(timedelta(0), False), (timedelta(hours=2), True)])
def test_the_instance_stops_itself_through_the_aws_cli(
    jupyter: type[Jupyter], monkeypatch: pytest.MonkeyPatch, ago: timedelta, stopped: bool
) -> None:
    jupyter.last_activity = (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    commands: list[list[str]] = []
    monkeypatch.setattr(
        idle_stop.subprocess,
        "run",
        lambda command: commands.append(command) or subprocess.CompletedProcess(command, 0),
    )
    assert idle_stop.main(["--minutes", "60"]) == 0
    assert jupyter.asked == ["/api/status?no_track_activity=1", "/api/kernels?no_track_activity=1"]
    words = [" ".join(command) for command in commands]
    wanted = "aws sagemaker stop-notebook-instance --notebook-instance-name finexpert-notebook"
    assert words == ([f"{wanted} --region eu-west-1"] if stopped else [])


def settings(**changes: Any) -> Settings:
    return replace(Settings.load(environ={}), notebook_repository=REPOSITORY, **changes)


@pytest.mark.parametrize(
    "repository",
    [
        "git@github.com:someone/expert.git",
        "https://someone:secret@github.com/someone/expert.git",
        "https://github.com",
        "https://github.com/someone/$(id)",
        "https://github.com/someone/.git",
    ],
)
def test_only_an_address_without_a_password_is_taken(repository: str) -> None:
    with pytest.raises(SettingsError, match="needs no password"):
        Settings.load({"notebook_repository": repository}, {})


def test_a_region_without_a_price_for_it_is_refused() -> None:
    flags = {"region": "eu-west-1", "training_instance_type": "ml.g4dn.xlarge"}
    flags |= {"hosting_instance_type": "ml.g4dn.xlarge"}
    Settings.load(flags, {})
    with pytest.raises(SettingsError, match=r"ml\.t3\.medium.*no notebook instance"):
        Settings.load({**flags, "notebook_repository": REPOSITORY}, {})


def test_the_start_script_is_whole_and_small_enough() -> None:
    script = on_start.on_start(settings(idle_minutes=45, prefix="Desk"))
    assert not re.search(r"@[A-Z_]+@", script)
    assert len(base64.b64encode(script.encode())) <= MOST_CHARACTERS
    assert "finexpert-idle-stop.py --minutes 45" in script
    assert 'cd "expert"\n' in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_the_scripts_within_it_can_be_read_by_what_runs_them() -> None:
    script = on_start.on_start(settings(prefix="Desk"))
    program = re.search(r"<<'PYTHON'\n(.*?)\nPYTHON\n", script, re.S)
    deployed = re.search(r"<<'JSON'\n(.*?)\nJSON\n", script, re.S)
    kernel = re.search(r"<<'KERNEL'\n(.*?)\nKERNEL\n", script, re.S)
    assert program and deployed and kernel
    ast.parse(program[1], feature_version=(3, 9))
    assert {name.split(".")[0] for name in imported(program[1])} <= sys.stdlib_module_names
    subprocess.run(["bash", "-n"], input=kernel[1], text=True, check=True)
    document = json.loads(deployed[1])
    assert document["prefix"] == "Desk" and document["hyperparameters"]["lora_r"] == "8"
    assert Settings.load(document, {}).prefix == "Desk"


def imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize(
    "repository", ["https://h/someone/expert.git", "https://h/expert", "https://h/a/b/expert.git/"]
)
def test_the_repository_lies_in_the_folder_of_its_name(repository: str) -> None:
    assert on_start.folder(repository) == "expert"


def test_the_kernel_s_packages_are_all_that_the_api_needs() -> None:
    program = """
import sys
import boto3, rich.jupyter, typer
own = {name.partition(".")[0] for name in sys.modules}
import finexpert.api
from core import dataset
from finexpert.service.money import costs
from finexpert.service.runs import datasets
roots = {name.partition(".")[0] for name in sys.modules}
print(sorted(roots - own - set(sys.stdlib_module_names)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['core', 'finexpert', 'infra']"


def test_the_kernel_installs_by_hash_what_the_product_has() -> None:
    script = on_start.on_start(settings())
    installs = re.findall(r"^.*\bpip(?:\[@\])?.*\binstall\b(.*)$", script, re.M)
    assert len(installs) == 2
    options = ["--no-deps", "--require-hashes", "--requirement"]
    assert installs[0].split() == [*options, "tools/requirements/notebook.lock"]
    assert installs[1].split() == ["--no-deps", "--no-build-isolation", "--editable", "."]
    mine = dict(re.findall(r"^(\S+)==(\S+)", Path("tools/requirements/notebook.lock").read_text(), re.M))
    assert {"boto3", "ipykernel", "rich", "typer", "setuptools"} <= mine.keys()
    locks = Path("requirements.lock").read_text() + Path("requirements-dev.lock").read_text()
    product = dict(re.findall(r"^(\S+)==(\S+)", locks, re.M))
    assert {name: product.get(name) for name in mine} == mine
