"""Reads the published corpus into the in-memory AWS, and lets any program that uses boto3 run against it.

    python tests/conformance/reaper/replay.py my_reaper.py -- --its --options

runs `my_reaper.py` in this process with every AWS call answered by the corpus, and tells which live endpoints
it deleted and which idle ones it left. The format is in README.md beside this file.
"""

import argparse
import json
import os
import runpy
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))
CORPUS = Path(__file__).with_name("corpus.json")

from tests.fakes.cloud import Cloud, error  # noqa: E402

MOMENTS = ("CreationTime", "LastModifiedTime")
#: Moments in tags are ISO date-times; a tool's clock runs on, so they are moved with all others.
DATED_TAGS = ("finexpert:keep",)


@dataclass(frozen=True, kw_only=True)
class Score:
    """What a tool did. `false_kills`: deleted but to be kept; `missed`: left but to be deleted."""

    endpoints: int
    false_kills: list[str]
    missed: list[str]


class Backend(Cloud):
    """The in-memory AWS with the older calls that other tools use."""

    def get_metric_statistics(self, **request: Any) -> dict[str, Any]:
        dimensions = frozenset((d["Name"], d["Value"]) for d in request.get("Dimensions", []))
        points = self.points.get((request["Namespace"], request["MetricName"], dimensions), {})
        start, end = utc(request["StartTime"]), utc(request["EndTime"])
        values = [value for time, value in points.items() if start <= time < end]
        if not values:
            return {"Label": request["MetricName"], "Datapoints": []}
        found = {
            "Timestamp": start,
            "Sum": sum(values),
            "Maximum": max(values),
            "Average": sum(values) / len(values),
        }
        return {"Label": request["MetricName"], "Datapoints": [found]}

    def get_caller_identity(self) -> dict[str, Any]:
        return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:root", "UserId": "root"}


def utc(moment: Any) -> datetime:
    """A request's moment, which may be naive or text."""
    value = datetime.fromisoformat(str(moment))
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def export(cases: dict[str, tuple[str, Cloud]], now: datetime) -> dict[str, Any]:
    """The document of labelled cases, each with the part of the cloud that belongs to it."""
    return {"format": 1, "now": now.isoformat(), "cases": [_case(*case) for case in cases.items()]}


def _case(name: str, labelled: tuple[str, Cloud]) -> dict[str, Any]:
    expected, cloud = labelled
    return {
        "name": name,
        "expected": expected,
        "endpoint": _plain(cloud.endpoints[name]),
        "endpoint_config": _plain(cloud.configs[cloud.endpoints[name]["EndpointConfigName"]]),
        "inference_components": [_plain(component) for component in cloud.components.values()],
        "tags": {key: value for tags in cloud.tags.values() for key, value in sorted(tags.items())},
        "metrics": [
            {
                "metric": metric,
                "dimensions": dict(sorted(dimensions)),
                "points": [[time.isoformat(), value] for time, value in sorted(points.items())],
            }
            for (_, metric, dimensions), points in cloud.points.items()
        ],
    }


def _plain(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if key in MOMENTS else value for key, value in answer.items()}


def load(cloud: Cloud, document: dict[str, Any]) -> dict[str, str]:
    """Put every case into `cloud`, moved to `cloud.now` by whole minutes; answers the labels by name."""
    then = datetime.fromisoformat(document["now"])
    shift = timedelta(minutes=round((cloud.now - then) / timedelta(minutes=1)))

    def moved(answer: dict[str, Any]) -> dict[str, Any]:
        return {k: datetime.fromisoformat(v) + shift if k in MOMENTS else v for k, v in answer.items()}

    for case in document["cases"]:
        endpoint = moved(case["endpoint"])
        cloud.endpoints[case["name"]] = endpoint
        cloud.configs[endpoint["EndpointConfigName"]] = case["endpoint_config"]
        for component in case["inference_components"]:
            cloud.components[component["InferenceComponentName"]] = moved(component)
        if case["tags"]:
            cloud.tags[endpoint["EndpointArn"]] = {k: _tag(k, v, shift) for k, v in case["tags"].items()}
            cloud.ever_tagged.add(endpoint["EndpointArn"])
        for series in case["metrics"]:
            key = ("AWS/SageMaker", series["metric"], frozenset(series["dimensions"].items()))
            points = {datetime.fromisoformat(time) + shift: value for time, value in series["points"]}
            cloud.points.setdefault(key, {}).update(points)
    return {case["name"]: case["expected"] for case in document["cases"]}


def _tag(key: str, value: str, shift: timedelta) -> str:
    if key not in DATED_TAGS:
        return value
    try:
        return (datetime.fromisoformat(value) + shift).isoformat()
    except ValueError:
        return value


def score(cloud: Cloud, labels: dict[str, str]) -> Score:
    """Judge what is left of the fleet."""
    gone = set(labels) - set(cloud.endpoints)
    return Score(
        endpoints=len(labels),
        false_kills=sorted(name for name in gone if labels[name] != "delete"),
        missed=sorted(name for name, label in labels.items() if label == "delete" and name not in gone),
    )


def corpus_cloud() -> tuple[Backend, dict[str, str]]:
    """The corpus as of this minute."""
    cloud = Backend(now=datetime.now(UTC).replace(second=20, microsecond=0))
    return cloud, load(cloud, json.loads(CORPUS.read_text(encoding="utf-8")))


def answer_boto3_with(cloud: Cloud) -> None:
    """From now on every boto3 client of this process asks `cloud`."""
    import botocore.client
    from botocore import xform_name

    def call(self: Any, operation: str, request: dict[str, Any]) -> Any:
        client = cloud(self.meta.service_model.service_name)
        if not hasattr(cloud, xform_name(operation)):
            raise error("UnknownOperationException", f"{operation} is not answered here", operation)
        answer = getattr(client, xform_name(operation))(**request)
        return {**(answer or {}), "ResponseMetadata": {"HTTPStatusCode": 200}}

    botocore.client.BaseClient._make_api_call = call
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def main() -> None:
    """Run a program against the corpus and print its score; exit status 1 if it failed."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("program", help="a Python file; it is run as __main__")
    parser.add_argument("arguments", nargs="*", help="its arguments, after --")
    given = parser.parse_args()
    cloud, labels = corpus_cloud()
    answer_boto3_with(cloud)
    sys.argv = [given.program, *given.arguments]
    try:
        runpy.run_path(given.program, run_name="__main__")
    except SystemExit as end:
        print(f"the program ended with {end.code}")
    found = score(cloud, labels)
    print(f"{found.endpoints} endpoints, {len(cloud.log)} API calls")
    print(f"false kills: {len(found.false_kills)} {found.false_kills or ''}")
    print(f"missed: {len(found.missed)} {found.missed or ''}")
    sys.exit(1 if found.false_kills or found.missed else 0)


if __name__ == "__main__":
    main()
