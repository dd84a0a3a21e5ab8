"""Mistakes of a config that show before anything is built."""

from .runner_config import check_config

__all__ = ['check_config']
