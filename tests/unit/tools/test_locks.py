"""The lock files: complete, hashed, of no particular registry, and what the requirements ask for."""

import json
import re
from pathlib import Path

import pytest

from tools import audit
from tools.lock import HASH, OF_TORCH, blocks

ROOT = Path(__file__).parents[3]

SOURCES = [
    "requirements.txt",
    "requirements-dev.txt",
    *(f"tools/requirements/{p.name}" for p in ROOT.glob("tools/requirements/*.txt")),
]
LOCKS = sorted([*ROOT.glob("*.lock"), *ROOT.glob("tools/requirements/*.lock")])


def pins(text: str) -> set[str]:
    """`name==version` of each line that asks for a package, as lock files spell names."""
    asked = re.findall(r"^([A-Za-z0-9][\w.-]*)==([^\s;]+)", text, re.MULTILINE)
    return {f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}" for name, version in asked}


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_asked_for_is_locked_at_that_version(source: str) -> None:
    path = ROOT / source
    locked = pins(path.with_suffix(".lock").read_text())
    if source == "requirements.txt":
        locked |= pins((ROOT / "requirements-torch.lock").read_text())
    missing = pins(path.read_text()) - locked
    assert not missing, f"make lock ({missing})"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_has_one_version_and_hashes_and_no_place(lock: Path) -> None:
    text = lock.read_text()
    packages = blocks(text)
    assert packages and all(HASH.search(block) for block in packages)
    lines = sum(len(block.splitlines()) for block in packages)
    assert lines == len(text.splitlines()) - 1, "a line is no package's"
    assert "://" not in text and " @ " not in text and "--index" not in text


def test_both_builds_of_torch_are_one_release_and_the_rest_needs_neither() -> None:
    cpu, pypi = ((ROOT / f"requirements-torch{build}.lock").read_text() for build in ("-cpu", ""))
    (version,) = re.findall(r"^torch==(\S+) ", pypi, re.MULTILINE)
    assert re.findall(r"^torch==(\S+) ", cpu, re.MULTILINE) == [f"{version}+cpu"]
    assert not set(HASH.findall(cpu)) & set(HASH.findall(pypi))
    assert not [block for block in blocks((ROOT / "requirements.lock").read_text()) if OF_TORCH.match(block)]


def test_the_builder_of_our_own_package_is_locked_too() -> None:
    """Set-up installs it without build isolation, which would fetch a builder without a known hash."""
    (wanted,) = re.findall(r'requires = \["(setuptools==[^"]+)"\]', (ROOT / "pyproject.toml").read_text())
    assert wanted in pins((ROOT / "requirements.lock").read_text())


def test_npm_locks_every_package_with_its_hash() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert [name for name, one in packages.items() if name and not one.get("integrity")] == []


def test_a_package_that_was_not_looked_up_is_no_clean_bill() -> None:
    answer = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "skip_reason": "not found"},
            {"name": "c", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]},
        ]
    }
    found = audit.of_python(json.dumps(answer))
    assert (found.audited, found.unknown) == (2, ["b: not found"])
    assert found.vulnerable == ["c 2: CVE-1, fixed in 3"]
    assert "NOT LOOKED UP: 1" in audit.described("x", found)


@pytest.mark.parametrize("answer", ["", "{}", "[]", "no network", '{"error": {"summary": "405"}}'])
def test_no_answer_is_no_clean_bill(answer: str) -> None:
    assert audit.of_python(answer).unknown
    assert audit.of_npm(answer).unknown


def test_npm_names_what_is_vulnerable() -> None:
    answer = {"vulnerabilities": {"x": {"severity": "high"}}, "metadata": {"dependencies": {"total": 7}}}
    found = audit.of_npm(json.dumps(answer))
    assert (found.audited, found.vulnerable) == (7, ["x: high, see npm audit"])
