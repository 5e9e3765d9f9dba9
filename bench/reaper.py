"""The idle reaper beside a naive one and Cloud Custodian: `python -m bench.reaper --custodian PYTHON`.

Accuracy on the labelled corpus (tests/conformance/reaper), then API calls, time, CPU and memory for fleets of
100, 1,000 and 5,000 endpoints of which half are idle, looked at for the first time (cold) and once more in
the same process (warm). All tools run by turns, each in its own process, against the same in-memory AWS
behind boto3. What the others pick is deleted for them, and not counted as their calls; what AWS refuses to
delete stays. PYTHON is the interpreter of an environment with c7n (pip install c7n==0.9.53); without it that
column is left out. The result goes to bench/results/reaper.json.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from bench import common
from tests.conformance.reaper import replay

SIZES = (100, 1000, 5000)
CALLS_A_SECOND = 10
IDLE, LEAST_AGE = timedelta(minutes=63), timedelta(minutes=63)
CUSTODIAN_POLICY = {
    "policies": [
        {
            "name": "idle-endpoints",
            "resource": "aws.sagemaker-endpoint",
            "filters": [
                {"EndpointStatus": "InService"},
                {"tag:finexpert:project": "FinExpert"},
                {"tag:finexpert:keep": "absent"},
                {"type": "value", "key": "CreationTime", "value_type": "age", "op": "gt", "value": 0.044},
                {"type": "variants-without-calls"},
            ],
        }
    ]
}


def reaper(deleting: bool) -> set[str]:
    """The Lambda function with its defaults; what it deletes it deletes itself."""
    from core.reaper.run import reap_regions
    from core.reaper.warm import WarmState

    os.environ |= {"MAX_DELETES": "1000" if deleting else "5", "IDLE_MINUTES": "60", "MIN_AGE_MINUTES": "60"}
    reap_regions(os.environ, {"dry_run": not deleting}, WarmState())
    return set()


def naive(_: bool) -> set[str]:
    """Describe and GetMetricStatistics for each endpoint and variant; 63 minutes without a call are idle."""
    import boto3

    sagemaker, cloudwatch = boto3.client("sagemaker"), boto3.client("cloudwatch")
    now, idle = datetime.now(UTC), set()
    pages = sagemaker.get_paginator("list_endpoints").paginate()
    for summary in [each for page in pages for each in page["Endpoints"]]:
        found = sagemaker.describe_endpoint(EndpointName=summary["EndpointName"])
        if found["EndpointStatus"] != "InService" or now - found["CreationTime"] < LEAST_AGE:
            continue
        if not _calls(cloudwatch, found, now):
            idle.add(found["EndpointName"])
    return idle


def _calls(cloudwatch: Any, endpoint: dict[str, Any], now: datetime) -> float:
    """Invocations of all variants in the idle time, one request each."""
    total = 0.0
    for variant in endpoint.get("ProductionVariants", []):
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[
                {"Name": "EndpointName", "Value": endpoint["EndpointName"]},
                {"Name": "VariantName", "Value": variant["VariantName"]},
            ],
            StartTime=now - IDLE,
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )
        total += sum(point["Sum"] for point in answer["Datapoints"])
    return total


def custodian(_: bool) -> set[str]:
    """Cloud Custodian with a filter that asks each variant's Invocations, which it does not have."""
    from c7n import cli
    from c7n.filters.core import Filter
    from c7n.resources.sagemaker import SagemakerEndpoint
    from c7n.utils import local_session, type_schema

    class VariantsWithoutCalls(Filter):  # type: ignore[misc]
        """Endpoints none of whose variants was called."""

        schema = type_schema("variants-without-calls")
        permissions = ("cloudwatch:GetMetricStatistics",)

        def process(self, resources: list[Any], event: Any = None) -> list[Any]:
            client = local_session(self.manager.session_factory).client("cloudwatch")
            now = datetime.now(UTC)
            return [each for each in resources if not _calls(client, each, now)]

    SagemakerEndpoint.filter_registry.register("variants-without-calls", VariantsWithoutCalls)
    with tempfile.TemporaryDirectory() as folder:
        policy = Path(folder, "policy.json")
        policy.write_text(json.dumps(CUSTODIAN_POLICY))
        options = ["--region", "us-east-1", "--cache-period", "0", "-s", folder]
        sys.argv = ["custodian", "run", *options, str(policy)]
        cli.main()
        picked = json.loads(Path(folder, "idle-endpoints", "resources.json").read_text())
        return {each["EndpointName"] for each in picked}


TOOLS: dict[str, Callable[[bool], set[str]]] = {
    "idle reaper": reaper,
    "naive": naive,
    "Cloud Custodian": custodian,
}


def fleet(size: int) -> tuple[replay.Backend, dict[str, str]]:
    """One-variant endpoints, every other called 20 minutes ago."""
    cloud = replay.Backend(now=datetime.now(UTC).replace(second=20, microsecond=0))
    labels = {}
    for number in range(size):
        name = cloud.endpoint(f"endpoint-{number:05}")
        labels[name] = "keep" if number % 2 else "delete"
        if labels[name] == "keep":
            cloud.requests(name, 20)
    return cloud, labels


def measure(tool: str, what: str) -> dict[str, Any]:
    """Run one tool in this process, which is used for nothing else."""
    if what == "corpus":
        cloud, labels = replay.corpus_cloud()
    else:
        cloud, labels = fleet(int(what.split("-")[0]))
    replay.answer_boto3_with(cloud)
    if what.endswith("warm"):
        with redirect_stdout(sys.stderr):
            TOOLS[tool](False)
        cloud.log.clear()
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    with redirect_stdout(sys.stderr):
        picked = TOOLS[tool](what == "corpus")
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    for name in picked:
        with suppress(ClientError):
            cloud.delete_endpoint(name)
    kilobyte = 1 if sys.platform == "darwin" else 1024
    found = replay.score(cloud, labels)
    calls = Counter(operation for operation, _ in cloud.log)
    return {
        "calls": len(cloud.log),
        "calls_by_operation": dict(sorted(calls.items())),
        "minutes_at_10_calls_a_second": round(len(cloud.log) / CALLS_A_SECOND / 60, 1),
        "wall_seconds": round(wall, 2),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "peak_memory_mb": round(after.ru_maxrss * kilobyte / 2**20),
        "peak_memory_above_the_fleet_mb": round((after.ru_maxrss - before.ru_maxrss) * kilobyte / 2**20),
        **({"false_kills": found.false_kills, "missed": found.missed} if what == "corpus" else {}),
    }


def child(python: str, tool: str, what: str) -> dict[str, Any]:
    """Run `measure` in its own process."""
    command = [python, "-m", "bench.reaper", "--measure", tool, what]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=common.ROOT)
    if ran.returncode:
        sys.exit(f"{tool} on {what} failed:\n{ran.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return answer


def table(results: dict[str, dict[str, dict[str, Any]]]) -> str:
    """The result for people."""
    lines = ["corpus            tool              false kills  missed"]
    for tool, found in results["corpus"].items():
        lines.append(f"{'':17} {tool:17} {len(found['false_kills']):11} {len(found['missed']):7}")
    lines.append("fleet             tool                    calls  min at 10/s   wall s    CPU s   peak MB")
    for what, tools in results.items():
        for tool, found in tools.items() if what != "corpus" else ():
            lines.append(
                f"{what:17} {tool:17} {found['calls']:11} {found['minutes_at_10_calls_a_second']:12}"
                f" {found['wall_seconds']:8} {found['cpu_seconds']:8} {found['peak_memory_mb']:9}"
            )
    return "\n".join(lines)


def main() -> None:
    """Measure all tools by turns and print the table."""
    parser = common.command_line(__doc__)
    parser.add_argument("--custodian", metavar="PYTHON", help="interpreter of an environment with c7n")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="fleets (default %(default)s)")
    parser.add_argument("--measure", nargs=2, metavar=("TOOL", "WHAT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(*given.measure)))
        return
    pythons = {"idle reaper": sys.executable, "naive": sys.executable}
    if given.custodian:
        pythons["Cloud Custodian"] = given.custodian
    whats = ["corpus", *(f"{size}-{kind}" for size in given.sizes for kind in ("cold", "warm"))]
    results = {what: {tool: child(python, tool, what) for tool, python in pythons.items()} for what in whats}
    document = {
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "note": "same in-memory AWS behind boto3 for all; wall and CPU include its answers, not the network",
        "results": results,
    }
    common.store("reaper", document)
    print(table(results))


if __name__ == "__main__":
    main()
