"""Looks every locked package of ours up among the known vulnerabilities: `make audit`.

Python's packages by pip-audit, those of the CDK CLI by npm. Both ask a database over the network. Exit
status: 0 nothing is known against any of them, 1 something is, 2 the database could not be asked for all.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / ".venv-supply" / "bin" / "pip-audit"
OPTIONS = ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
# torch's CPU build is the release of requirements-torch.lock, under a name that no database has.
SAME_RELEASE = ROOT / "requirements-torch-cpu.lock"
# Only AWS can fix what AWS's image holds; here it only repeats the trainer's tests.
OF_THE_IMAGE = ROOT / "tools" / "requirements" / "training-image.lock"
FOUND, NOT_ASKED = 1, 2


@dataclass
class Audit:
    """The result for one list of packages.

    audited: how many packages the database knows.
    vulnerable: a line for each vulnerability.
    unknown: why packages, or all of them, could not be looked up.
    """

    audited: int = 0
    vulnerable: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def of_python(answer: str) -> Audit:
    """Read pip-audit's JSON. It calls a package that it could not look up "skipped", and ends well."""
    try:
        dependencies = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Audit(unknown=["pip-audit gave no answer"])
    audit = Audit()
    for package in dependencies:
        name = package["name"]
        if "skip_reason" in package:
            audit.unknown.append(f"{name}: {package['skip_reason']}")
            continue
        audit.audited += 1
        for known in package["vulns"]:
            better = ", ".join(known["fix_versions"]) or "no version yet"
            audit.vulnerable.append(f"{name} {package['version']}: {known['id']}, fixed in {better}")
    return audit


def of_npm(answer: str) -> Audit:
    """Read `npm audit --json`."""
    try:
        report: dict[str, Any] = json.loads(answer)
        found, total = report["vulnerabilities"], report["metadata"]["dependencies"]["total"]
    except (ValueError, KeyError, TypeError):
        return Audit(unknown=["npm gave no answer"])
    return Audit(
        audited=total,
        vulnerable=[f"{name}: {one['severity']}, see npm audit" for name, one in sorted(found.items())],
    )


def run(*command: str | Path) -> str:
    """A program's standard output. How it ended is in there, too."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


def described(name: str, audit: Audit) -> str:
    """An audit in a paragraph."""
    lines = [f"{name}: {audit.audited} packages looked up, {len(audit.vulnerable)} known vulnerabilities"]
    lines += [f"  {line}" for line in audit.vulnerable]
    if audit.unknown:
        lines.append(f"  NOT LOOKED UP: {len(audit.unknown)}, such as {audit.unknown[0]}")
    return "\n".join(lines)


def main() -> int:
    """Audit every lock file, print the findings, and return the exit status."""
    audits = {}
    for lock in sorted(
        {*ROOT.glob("*.lock"), *ROOT.glob("tools/requirements/*.lock")} - {SAME_RELEASE, OF_THE_IMAGE}
    ):
        audits[str(lock.relative_to(ROOT))] = of_python(run(PROGRAM, *OPTIONS, "--requirement", lock))
    audits["package-lock.json"] = of_npm(run("npm", "audit", "--json"))
    for name, audit in audits.items():
        print(described(name, audit))
    if any(audit.unknown for audit in audits.values()):
        print(
            "The database of vulnerabilities could not be asked for every package: this is no clean bill."
            " Run it again where pip and npm reach their registries directly, without a mirror in between."
        )
        return NOT_ASKED
    return FOUND if any(audit.vulnerable for audit in audits.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
