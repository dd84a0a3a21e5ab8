"""What mmhand adds to the mmengine Runner."""

from mmhand.utils.checkpoint_loaders import install_safe_loading

from . import hooks, loops, optim_wrappers, runner  # noqa: F401

install_safe_loading()
