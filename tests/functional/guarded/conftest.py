"""The tests here share one deployed app."""

from guarded_fixtures import app, told

__all__ = ["app", "told"]
