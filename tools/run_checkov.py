"""checkov over all stacks, with default settings and with every key and network: `make checkov`.

checkov pins an older boto3, so it has a separate virtual environment. What it finds and is meant so stands
in tests/snapshot/suppressions.py, beside what cdk-nag finds.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.snapshot.snapshot_synth import synthesize  # noqa: E402
from tests.snapshot.suppressions import CHECKOV, Finding, complaints  # noqa: E402

PROGRAM = ROOT / ".venv-checkov" / "bin" / "checkov"
VARIANTS: dict[str, dict[str, str]] = {
    "defaults": {},
    "everything": {
        "customer_managed_key": "true",
        "private_network": "true",
        "training_instance_count": "2",
        "hosting": "merged",
        "web": "true",
    },
}


def findings(assembly: Path) -> set[Finding]:
    """The checks that failed in the templates of an assembly."""
    options = ["--framework", "cloudformation", "--skip-download", "--quiet", "--output", "json"]
    ran = subprocess.run(
        [PROGRAM, "--directory", assembly, *options], capture_output=True, text=True, check=False
    )
    try:
        report: dict[str, Any] = json.loads(ran.stdout)
        failed = report["results"]["failed_checks"]
    except (ValueError, TypeError, KeyError):
        sys.exit(f"checkov did not answer as expected (exit status {ran.returncode}):\n{ran.stderr[-2000:]}")
    found = set()
    for check in failed:
        stack = Path(check["file_path"]).name.removeprefix("FinExpert-").removesuffix(".template.json")
        found.add(Finding(check["check_id"], f"{stack}/{check['resource'].rpartition('.')[2]}"))
    return found


def main() -> int:
    """Print the findings without a reason; exit status 1 if there are any."""
    found: set[Finding] = set()
    with tempfile.TemporaryDirectory() as folder:
        for name, flags in VARIANTS.items():
            assembly = Path(folder, name)
            synthesize(assembly, **flags)  # type: ignore[arg-type]
            found |= findings(assembly)
    without = complaints(found, CHECKOV)
    print("\n".join(without) or f"checkov: {len(found)} findings, each with its reason in suppressions.py")
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main())
