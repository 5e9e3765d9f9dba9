"""The course's two notebooks from first to last cell, before any other run has made a model.

They run with the rights of the notebook instance (infra/notebook), so that those are known to be enough.
"""

import html
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from core.endpoint.hosting import HostingState
from finexpert import paths
from finexpert.service.deployment import Deployment
from finexpert.service.endpoint import artifacts, switch
from infra.arns import Arns
from infra.notebook.permissions import notebook_permissions
from infra.permissions import Statement

pytestmark = pytest.mark.app

NOTEBOOKS = paths.ROOT / "notebooks"
PATIENCE_SECONDS = 240
RunNotebook = Callable[..., str]


@pytest.fixture(scope="module")
def credentials(deployed: Deployment) -> Iterator[dict[str, str]]:
    """Those of a role with the notebook instance's permissions, as the variables of a process."""
    iam, sts = (deployed.target.client(service) for service in ("iam", "sts"))
    account = sts.get_caller_identity()["Account"]
    arns = Arns(names=deployed.names, partition="aws", region=deployed.settings.region, account=account)
    statements = notebook_permissions(arns, instance_name="none")
    trusted = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    name = "works-in-notebooks"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document([trusted]))["Role"]
    try:
        iam.put_role_policy(RoleName=name, PolicyName="steps", PolicyDocument=document(statements))
        session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
        yield {
            "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
            "AWS_SESSION_TOKEN": session["SessionToken"],
        }
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="steps")
        iam.delete_role(RoleName=name)


def document(statements: list[Statement]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture
def shown(
    deployed: Deployment, credentials: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> RunNotebook:
    """Runs a notebook against the deployed app, in a separate kernel; returns all that it shows."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    environment = {**deployed.target.environment, **credentials, "IPYTHONDIR": str(tmp_path / "ipython")}

    def run(name: str, parameters: str = "") -> str:
        notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
        if parameters:  # as papermill does: a cell behind the one that is tagged so
            tags = [cell.metadata.get("tags", ()) for cell in notebook.cells]
            (place,) = [number for number, named in enumerate(tags) if "parameters" in named]
            notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(parameters))
        NotebookClient(
            notebook, timeout=PATIENCE_SECONDS, resources={"metadata": {"path": str(NOTEBOOKS)}}
        ).execute(env=environment)
        return "\n".join(told(output) for cell in notebook.cells for output in cell.get("outputs", ()))

    return run


def told(output: Any) -> str:
    """The text of an output as a notebook shows it."""
    if "data" not in output:
        return str(output["text"])
    return html.unescape(re.sub(r"<[^>]+>", "", output["data"]["text/html"]))


def headings(shown: str) -> list[str]:
    return re.findall(r"(base|tuned) \(\d", shown)


def test_the_base_model_answers_before_there_is_any_run(deployed: Deployment, shown: RunNotebook) -> None:
    text = shown("Model_Evaluation.ipynb")
    assert f"on the embedded cloud {deployed.target.endpoint_url}" in text
    assert "awake, serving the base model alone" in text
    assert headings(text) == ["base"] * 4
    assert "asleep, nothing of it bills" in text
    assert switch.read(deployed).state is HostingState.ASLEEP
    assert deployed.target.client("sagemaker").list_endpoints()["Endpoints"] == []


def test_a_model_is_tuned_deployed_beside_its_base_asked_and_deleted(
    deployed: Deployment, shown: RunNotebook, sample: Path
) -> None:
    quick = f"DATA = {str(sample)!r}\nHYPERPARAMETERS = {{'evaluation_items': 4}}"
    text = shown("Model_FineTuning.ipynb", quick)
    assert "accepted by the quality gate" in text
    assert "held-out bits per byte: " in text
    assert headings(text) == ["base", "tuned"] * 4
    assert "asleep, nothing of it bills" in text
    assert deployed.target.client("sagemaker").list_endpoints()["Endpoints"] == []
    (run,) = set(re.findall(r"started (\S+) on", text))
    assert run in artifacts.newest(deployed)
