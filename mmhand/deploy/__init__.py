"""What serves speed only."""

from .model import Deployed, deploy

__all__ = ['Deployed', 'deploy']
