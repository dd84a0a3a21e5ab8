"""What serves speed only."""

from .model import Deployed, deploy
from .network_engine import ENGINES, NetworkEngine

__all__ = ['ENGINES', 'Deployed', 'NetworkEngine', 'deploy']
