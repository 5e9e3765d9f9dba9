"""Assets hold the code and nothing else, alike wherever they are staged."""

import os
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from infra.assets import LAMBDA_SOURCES, ROOT, TRAINING_SOURCES, stage, staged
from infra.settings import SettingsError


def relative(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_only_code_and_its_data_files_are_staged(tmp_path: Path) -> None:
    source = tmp_path / "source" / "lambdas"
    for name in (
        "a.py",
        "b.json",
        "c.css",
        "weights.safetensors",
        "notes.md",
        ".hidden.py",
        "__pycache__/a.pyc",
        "__pycache__/x.py",
        "sub/d.html",
    ):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("x")
    stage(tmp_path / "source", ("lambdas",), tmp_path / "out")
    kept = {"lambdas/a.py", "lambdas/b.json", "lambdas/c.css", "lambdas/sub/d.html"}
    assert relative(tmp_path / "out") == kept


def test_a_strict_umask_does_not_make_files_unreadable_for_lambda(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        stage(ROOT, ("core",), tmp_path / "out")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert modes == {0o644}


def run_from(asset: Path, program: str, **environment: str) -> None:
    """Run a program with the asset and the installed libraries alone.

    Without -S, the repository, which is installed as editable, would give each module that the asset lacks.
    """
    places = os.pathsep.join([str(asset), sysconfig.get_path("purelib")])
    ran = subprocess.run(
        [sys.executable, "-S", "-P", "-c", program],
        cwd=asset,
        env={**os.environ, "PYTHONPATH": places, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_the_functions_run_from_their_asset_without_the_repository(tmp_path: Path) -> None:
    handlers = {f"lambdas.{path.parent.name}.handler" for path in (ROOT / "lambdas").glob("*/handler.py")}
    validation = {"lambdas.validate_dataset.handler"}
    assert validation < handlers
    with staged() as assets:
        for asset, names in ((assets.functions, handlers - validation), (assets.validation, validation)):
            run_from(asset, f"import {', '.join(sorted(names))}, sys; sys.exit('torch' in sys.modules)")


def test_the_trainer_runs_from_its_asset_without_the_repository() -> None:
    with staged() as assets:
        files = sorted(path.relative_to(assets.training) for path in assets.training.glob("training/**/*.py"))
        modules = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files]
        assert "training.__main__" in modules and "training.job.pipeline" in modules
        run_from(assets.training, f"import {', '.join(modules)}")


PAGE = """
import sys
from finexpert.web.aws import handler

def get(path):
    http = {"method": "GET", "path": path}
    return handler({"rawPath": path, "headers": {}, "requestContext": {"http": http}})

assert "<html" in get("/")["body"]
for name in ("preact", "htm", "uplot"):
    assert get(f"/vendor/{name}.js")["statusCode"] == 200, name
from finexpert.service.evaluation import results
from training.evaluation.answers import grade
from training.evaluation.metrics.choice import asked
from finexpert.paths import SAMPLE
assert results.own_questions({"questions": [], "items": {}}) is None
assert list(SAMPLE.glob("*.txt"))
absent = {"typer", "rich", "numpy", "starlette", "hypercorn", "torch", "aws_cdk"} & set(sys.modules)
sys.exit(", ".join(absent) or 0)
"""


def test_the_page_runs_from_its_asset_with_what_lambda_has() -> None:
    with staged(web=True) as assets:
        run_from(assets.web, PAGE, SIGN_IN_URL="https://a", CLIENT_ID="b")


def test_a_page_without_its_libraries_is_reported_before_anything_is_made(tmp_path: Path) -> None:
    for source in (*LAMBDA_SOURCES, *TRAINING_SOURCES, "finexpert/web/vendor.json"):
        stage(ROOT, (source,), tmp_path)
    with pytest.raises(SettingsError, match="npm ci"), staged(tmp_path, web=True):
        pass


def test_the_staging_folder_is_gone_afterwards() -> None:
    with staged() as assets:
        assert (assets.training / "training" / "__main__.py").is_file()
        assert (assets.functions / "core" / "money" / "prices.json").is_file()
    assert not assets.functions.exists()
