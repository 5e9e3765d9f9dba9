"""The tests here share one deployed app."""

from tests.functional.guardrails.guarded_fixtures import app, told

__all__ = ["app", "told"]
