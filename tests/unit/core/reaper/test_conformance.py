"""The published corpus is the one that the reaper is tested with, and alone suffices to judge a tool.

After a change of the corpus: `pytest tests/unit/core/reaper/test_conformance.py` with
REWRITE_CORPUS=1 in the environment writes it anew.
"""

import json
import os
import subprocess
import sys
from datetime import timedelta
from operator import itemgetter
from pathlib import Path

import pytest

from tests.conformance.reaper import replay
from tests.fakes.cloud import NOW, Cloud
from tests.unit.core.reaper.reaping import actions, reaped
from tests.unit.core.reaper.test_corpus import CORPUS, SETTINGS

FOLDER = Path(__file__).resolve().parents[3] / "conformance" / "reaper"


def labelled() -> dict[str, tuple[str, Cloud]]:
    cases: dict[str, tuple[str, Cloud]] = {}
    for label, (expected, build) in CORPUS.items():
        cloud = Cloud()
        build(cloud)
        # One endpoint is there only to be busy under a name that another one's variant shares.
        if label == "other-endpoint-with-the-same-variant-busy":
            cloud.points.clear()
        cases[label] = (expected, cloud)
    return cases


def test_the_published_corpus_is_the_tested_one() -> None:
    text = json.dumps(replay.export(labelled(), NOW), indent=1) + "\n"
    if os.environ.get("REWRITE_CORPUS"):
        replay.CORPUS.write_text(text, encoding="utf-8")
    published, tested = json.loads(replay.CORPUS.read_text(encoding="utf-8")), json.loads(text)
    for document in (published, tested):
        document["cases"].sort(key=itemgetter("name"))
    assert published == tested and len(tested["cases"]) >= 40


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=100, hours=5, minutes=7)])
def test_from_the_file_alone_no_kill_is_false_and_none_is_missed(later: timedelta) -> None:
    cloud = replay.Backend(now=NOW + later)
    labels = replay.load(cloud, json.loads(replay.CORPUS.read_text(encoding="utf-8")))
    assert actions(reaped(cloud, SETTINGS)) == labels
    found = replay.score(cloud, labels)
    assert found.false_kills == found.missed == []


def test_another_tool_can_be_pointed_at_it(tmp_path: Path) -> None:
    tool = tmp_path / "tool.py"
    tool.write_text(
        "import boto3\n"
        "s = boto3.client('sagemaker')\n"
        "for page in s.get_paginator('list_endpoints').paginate():\n"
        "    for e in page['Endpoints']:\n"
        "        if e['EndpointName'] in ('busy', 'never-called'):\n"
        "            s.delete_endpoint(EndpointName=e['EndpointName'])\n"
    )
    ran = subprocess.run(
        [sys.executable, str(FOLDER / "replay.py"), str(tool)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1, ran.stderr
    assert "false kills: 1 ['busy']" in ran.stdout and "'never-called'" not in ran.stdout
