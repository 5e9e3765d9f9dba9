"""What these tests share with the functional and the serving ones lies there."""

from pathlib import Path

TESTS = Path(__file__).parents[2]

from tests.functional.guardrails.guarded_fixtures import app  # noqa: E402

__all__ = ["app"]
