"""Metrics: pure functions, mmengine metrics around them, and one preset per benchmark."""

from . import functional, metrics  # noqa: F401
