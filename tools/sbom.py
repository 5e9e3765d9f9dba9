"""Writes what is installed as CycloneDX documents, versions and licences included: `make sbom`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / ".venv-supply" / "bin" / "cyclonedx-py"
OUT = ROOT / "out"


def main() -> None:
    """Write both; the same packages give the same bytes of the Python one."""
    OUT.mkdir(exist_ok=True)
    python, npm = OUT / "sbom-python.json", OUT / "sbom-npm.json"
    done = subprocess.run(
        [PROGRAM, "environment", ROOT / ".venv", "--output-reproducible", "--output-file", python],
        check=False,
    )
    if done.returncode:
        sys.exit("cyclonedx-py could not list the packages of .venv, see above.")
    listed = subprocess.run(
        ["npm", "sbom", "--sbom-format", "cyclonedx"], cwd=ROOT, stdout=subprocess.PIPE, check=False
    )
    if listed.returncode:
        sys.exit("npm could not list the packages of node_modules, see above.")
    npm.write_bytes(listed.stdout)
    print(f"{python.relative_to(ROOT)}\n{npm.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
