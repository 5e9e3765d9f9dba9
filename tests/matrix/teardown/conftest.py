"""What these tests share with the functional ones lies there."""

from __future__ import annotations
