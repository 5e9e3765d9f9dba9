"""The rules of import in pyproject.toml hold, and each of them can be broken."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BREAKING = {
    "core": "import infra.settings",
    "infra": "import lambdas.admission.handler",
    "lambdas": "import finexpert.errors",
    "localcloud": "import core.names",
    "finexpert/service": "import finexpert.cli.main",
    "training": "import serving.settings",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Import-linter's verdict on the packages in `folder`, by this repository's contracts."""
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {program}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_the_code_keeps_the_rules_of_import() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", BREAKING)
def test_an_import_against_the_rules_is_found(package: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for file in ROOT.glob("*/**/__init__.py"):
        if file.relative_to(ROOT).parts[0] in {"node_modules", ".venv", "tests", "cdk.out"}:
            continue
        for source in file.parent.glob("*.py"):
            copy = tmp_path / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
    (tmp_path / package / "breaking.py").write_text(f"{BREAKING[package]}\n")
    done = lint(tmp_path)
    assert done.returncode == 1 and "breaking" in done.stdout, done.stdout + done.stderr


def test_mypy_reads_the_modules_of_aws_cdk_that_are_in_use_and_no_others() -> None:
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    (read,) = (set(each["module"]) for each in overrides if each.get("follow_imports") == "normal")
    folders = ("infra", "tests", "tools", "bench")
    files = [ROOT / "app.py", *(file for name in folders for file in (ROOT / name).rglob("*.py"))]
    imports = [
        node
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "aws_cdk"
    ]
    used = {f"aws_cdk.{name.name}" for node in imports for name in node.names if name.name.startswith("aws_")}
    assert read == {"aws_cdk", "aws_cdk.interfaces.*"} | used
