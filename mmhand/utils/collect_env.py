"""Print what is installed, for bug reports: ``python -m mmhand.utils.collect_env``."""

import importlib
import importlib.util
import sys

from mmengine.utils.dl_utils import collect_env as collect_base_env

from mmhand.version import __version__

from .compat import has_compiled_mmcv

_PACKAGES = (
    *('mmcv', 'mmdet', 'mmseg', 'mmpose', 'numpy', 'scipy', 'trimesh'),
    *('pycocotools', 'tensorboard', 'smplx'),
)


def _version(package: str) -> str:
    if importlib.util.find_spec(package) is None:
        return 'not installed'
    try:
        module = importlib.import_module(package)
    except Exception as error:  # a broken install is just what this report should show
        return f'does not import ({type(error).__name__}: {error})'
    return str(getattr(module, '__version__', 'installed'))


def collect_env() -> dict[str, str]:
    """Versions and devices of this environment, in printing order."""
    # Asked before mmcv is imported, whose own probe may leave a half-made module behind.
    ops = 'compiled' if has_compiled_mmcv() else 'stand-in (mmcv-lite)'
    env = {key: str(value) for key, value in collect_base_env().items()}
    env['mmhand'] = __version__
    env.update({package: _version(package) for package in _PACKAGES})
    env['mmcv ops'] = ops
    return env


def main() -> None:
    """Write the report to standard output."""
    width = max(map(len, env := collect_env()))
    sys.stdout.writelines(f'{key:<{width}}  {value}\n' for key, value in env.items())


if __name__ == '__main__':
    main()
