"""What mmhand adds to the mmengine Runner."""

from . import hooks, loops, optim_wrappers  # noqa: F401
