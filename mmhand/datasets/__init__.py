"""Datasets, their transforms, and synthesis of data in their layouts."""

from . import transforms  # noqa: F401
