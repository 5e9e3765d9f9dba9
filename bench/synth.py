"""How long `cdk synth` of the five stacks takes beside that of a one-bucket app: `python bench/synth.py`.

Both run through the real CDK CLI, by turns, in one run: the ratios count, not the seconds. Processor time
stands beside wall time, which other programs on the machine stretch. Results: bench/results/synth.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "bench" / "results" / "synth.json"
PATH = os.pathsep.join(
    [str(Path(sys.executable).parent), str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]]
)
ONE_BUCKET = """
from aws_cdk import App, Stack, aws_s3
app = App()
aws_s3.Bucket(Stack(app, "One"), "Bucket")
app.synth()
"""
FLAGS = ["-c", "accept_eula=true", "-c", "alert_email=you@example.com"]


@dataclass(frozen=True)
class Run:
    """Seconds of one synth: on the clock, and of processors."""

    wall: float
    cpu: float


def synth(program: str, flags: list[str], folder: Path, outdir: Path) -> Run:
    """One `cdk synth` of `program`, run in `folder`."""
    command = [
        "cdk",
        "synth",
        "--quiet",
        "--app",
        f"{sys.executable} {program}",
        "--output",
        str(outdir),
        *flags,
    ]
    environ = {**os.environ, "PATH": PATH, "CDK_DISABLE_CLI_TELEMETRY": "1", "CDK_DISABLE_VERSION_CHECK": "1"}
    cpu, start = _children_cpu(), time.perf_counter()
    ran = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    result = Run(wall=time.perf_counter() - start, cpu=_children_cpu() - cpu)
    if ran.returncode:
        sys.exit(f"cdk synth of {program} failed:\n{ran.stderr}")
    return result


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Run both by turns; print and store medians and their ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="runs of each (default %(default)s)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "one_bucket.py").write_text(ONE_BUCKET)
        one: list[Run] = []
        five: list[Run] = []
        for _ in range(rounds + 1):  # the first of each warms the caches and is not counted
            one.append(synth("one_bucket.py", [], folder, folder / "one"))
            five.append(synth("app.py", FLAGS, ROOT, folder / "five"))
    medians = {
        f"{app}_{kind}_seconds": statistics.median(getattr(run, kind) for run in runs[1:])
        for app, runs in (("one_bucket", one), ("five_stacks", five))
        for kind in ("wall", "cpu")
    }
    ratios = {
        f"{kind}_ratio": medians[f"five_stacks_{kind}_seconds"] / medians[f"one_bucket_{kind}_seconds"]
        for kind in ("wall", "cpu")
    }
    figures = {name: round(value, 2) for name, value in {**medians, **ratios}.items()}
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"
    report = json.dumps(
        {**figures, "rounds": rounds, "machine": f"{machine}, Python {platform.python_version()}"}, indent=2
    )
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(report + "\n")
    print(report)


if __name__ == "__main__":
    main()
