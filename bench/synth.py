"""Measures `cdk synth` of all stacks beside that of a one-bucket app: `python -m bench.synth`.

All run through the real CDK CLI, by turns, in one run: the ratios count, not the seconds. Processor time
stands beside wall time, which other programs on the machine stretch. Ours switches CDK's built-in template
validation off, so the one-bucket app stands here twice: as CDK makes it, and with the same switch, which
compares like with like. Results: bench/results/synth.json.
"""

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

from bench import common

PATH = os.pathsep.join(
    [str(Path(sys.executable).parent), str(common.ROOT / "node_modules" / ".bin"), os.environ["PATH"]]
)
ONE_BUCKET = """
from aws_cdk import App, Stack, aws_s3
app = App(SWITCH)
aws_s3.Bucket(Stack(app, "One"), "Bucket")
app.synth()
"""
SWITCH = "builtin_cloud_formation_validation=False"
FLAGS = ["-c", "accept_eula=true", "-c", "alert_email=you@example.com"]


@dataclass(frozen=True)
class Run:
    """Seconds of one synth: on the clock, and of processors."""

    wall: float
    cpu: float


def synth(program: str, flags: list[str], folder: Path, outdir: Path) -> Run:
    """One `cdk synth` of `program`, run in `folder`."""
    command = ["cdk", "synth", "--quiet", "--app", f"{sys.executable} {program}", "--output", str(outdir)]
    environ = {**os.environ, "PATH": PATH, "CDK_DISABLE_CLI_TELEMETRY": "1", "CDK_DISABLE_VERSION_CHECK": "1"}
    cpu, start = common.cpu_seconds(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run(
        [*command, *flags], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    result = Run(wall=time.perf_counter() - start, cpu=common.cpu_seconds(resource.RUSAGE_CHILDREN) - cpu)
    if ran.returncode:
        sys.exit(f"cdk synth of {program} failed:\n{ran.stderr}")
    return result


def main() -> None:
    """Run all by turns; print and store medians and their ratios."""
    parser = common.command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each (default %(default)s)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "one_bucket.py").write_text(ONE_BUCKET.replace("SWITCH", ""))
        (folder / "one_bucket_switched.py").write_text(ONE_BUCKET.replace("SWITCH", SWITCH))
        apps = {
            "one_bucket": ("one_bucket.py", [], folder),
            "one_bucket_without_validation": ("one_bucket_switched.py", [], folder),
            "five_stacks": ("app.py", FLAGS, common.ROOT),
        }
        runs: dict[str, list[Run]] = {name: [] for name in apps}
        for _ in range(rounds + 1):  # the first of each warms the caches and is not counted
            for app, (program, flags, cwd) in apps.items():
                runs[app].append(synth(program, flags, cwd, folder / app))
    medians = {
        f"{app}_{kind}_seconds": statistics.median(getattr(run, kind) for run in of_app[1:])
        for app, of_app in runs.items()
        for kind in ("wall", "cpu")
    }
    ratios = {
        f"{kind}_ratio_to_{app}": medians[f"five_stacks_{kind}_seconds"] / medians[f"{app}_{kind}_seconds"]
        for app in ("one_bucket", "one_bucket_without_validation")
        for kind in ("wall", "cpu")
    }
    figures = {name: round(value, 2) for name, value in {**medians, **ratios}.items()}
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"
    machine = f"{machine}, Python {platform.python_version()}"
    print(common.store("synth", {**figures, "rounds": rounds, "machine": machine}))


if __name__ == "__main__":
    main()
