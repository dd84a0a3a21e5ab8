"""Mistakes of a config that show before anything is built."""

from .runner_config import check_config, check_sections

__all__ = ['check_config', 'check_sections']
