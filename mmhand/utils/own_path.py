"""Where mmengine finds the package's own configs when the package is installed editable."""

import sys
from pathlib import Path

import mmengine.utils
from mmengine.config import config as mmengine_config

_PACKAGE = Path(__file__).resolve().parents[1]


def serve_own_path() -> None:
    """Make ``mmhand::`` configs, also as ``_base_``, resolvable from any kind of installation.

    mmengine 0.10 joins the folder of the distribution and the name of the package, which exists for a
    wheel and not for an editable install. Other packages are looked up as before.
    """
    original = mmengine_config.get_installed_path
    if getattr(original, 'serves_mmhand', False):
        return

    def installed_path(package: str) -> str:
        return str(_PACKAGE) if package == 'mmhand' else original(package)

    installed_path.serves_mmhand = True  # type: ignore[attr-defined]
    mmengine_config.get_installed_path = installed_path
    # What is imported later takes it from here.
    mmengine.utils.get_installed_path = installed_path
    if 'mmengine.hub.hub' in sys.modules:
        sys.modules['mmengine.hub.hub'].get_installed_path = installed_path  # type: ignore[attr-defined]
