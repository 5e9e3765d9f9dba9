"""All rules of this folder, and what they say of an app: each is `violations` of a test_….py."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from tests.snapshot.snapshot_synth import Templates

FOLDER = Path(__file__).parent

Rule = Callable[[Templates], Iterator[str]]


def rules() -> dict[str, Rule]:
    """The rules by name."""
    return {
        file.stem.removeprefix("test_"): import_module(f"tests.snapshot.rules.{file.stem}").violations
        for file in sorted(FOLDER.glob("test_*.py"))
    }


def broken(stacks: Templates) -> list[str]:
    """Every violation of every rule, a line each."""
    return [f"{name}: {found}" for name, rule in rules().items() for found in rule(stacks)]
