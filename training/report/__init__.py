"""report.html: the evaluation for a reader, in one file without any outside request."""

from training.report.page import render

__all__ = ["render"]
