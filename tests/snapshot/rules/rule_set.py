"""All rules of this folder, and what they say of an app: each is `violations` of a test_rule_….py."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from snapshot_synth import Templates

FOLDER = Path(__file__).parent
if str(FOLDER) not in sys.path:  # pytest puts a folder there only when it has come to its tests
    sys.path.insert(0, str(FOLDER))

Rule = Callable[[Templates], Iterator[str]]


def rules() -> dict[str, Rule]:
    """The rules by name."""
    return {
        file.stem.removeprefix("test_rule_"): import_module(file.stem).violations
        for file in sorted(FOLDER.glob("test_rule_*.py"))
    }


def broken(stacks: Templates) -> list[str]:
    """Every violation of every rule, a line each."""
    return [f"{name}: {found}" for name, rule in rules().items() for found in rule(stacks)]
