"""mmengine's ways to name a checkpoint, each ending in the safe reader of :mod:`.checkpoint`.

``load_from``, ``resume`` and ``init_cfg=dict(type='Pretrained', ...)`` all ask mmengine's
``CheckpointLoader``. After :func:`install_safe_loading` none of them runs what a file contains,
whatever the torch and mmengine versions and whatever ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD`` says.
"""

import io
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.dist import barrier, is_main_process
from mmengine.fileio import get_file_backend
from mmengine.runner import checkpoint as zoo
from mmengine.runner.checkpoint import CheckpointLoader

from .checkpoint import MapLocation, load_checkpoint, read_open_checkpoint
from .errors import HandFileError
from .safe_globals import register_safe_globals


def load_from_local(filename: str, map_location: MapLocation = None) -> dict:
    """Serve file paths."""
    checkpoint = load_checkpoint(filename, map_location)
    # Runner.resume executes ``meta['config']`` of old files as Python to compare GPU numbers.
    if isinstance(checkpoint.get('meta'), dict):
        checkpoint['meta'].pop('config', None)
    return checkpoint


def load_from_http(url: str, map_location: MapLocation = None) -> dict:
    """Serve ``http(s)://``; the main process downloads into torch's hub folder."""
    cached = Path(torch.hub.get_dir()) / 'checkpoints' / Path(url.split('?')[0]).name
    if is_main_process() and not cached.is_file():
        cached.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Writes beside the target and renames, so an interrupted download leaves nothing.
            torch.hub.download_url_to_file(url, str(cached), progress=False)
        except OSError as error:
            raise HandFileError(
                f'cannot download {url} ({error}); fetch it by other means and name the file, '
                'or set the init_cfg that asks for it to None'
            ) from error
    barrier()
    return load_from_local(str(cached), map_location)


def load_from_bucket(filename: str, map_location: MapLocation = None) -> dict:
    """Serve ``s3://`` and ``petrel://``."""
    content = get_file_backend(filename, backend_args={'backend': 'petrel'}).get(filename)
    return read_open_checkpoint(io.BytesIO(content), filename, map_location, trust=False)


def _from_zoo(get_urls: Callable[[], dict], name: str, filename: str, where: MapLocation) -> dict:
    urls = get_urls()
    if name not in urls:
        raise HandFileError(f'checkpoint {filename} is not in the model zoo it names')
    url = urls[name]
    return load_from_http(url, where) if '://' in url else load_from_local(url, where)


def load_from_torchvision(filename: str, map_location: MapLocation = None) -> dict:
    """Serve ``torchvision://``."""
    name = filename.split('://', 1)[1]
    return _from_zoo(zoo.get_torchvision_models, name, filename, map_location)


def load_from_openmmlab(filename: str, map_location: MapLocation = None) -> dict:
    """Serve ``openmmlab://``."""
    name = filename.split('://', 1)[1]
    name = zoo.get_deprecated_model_names().get(name, name)
    return _from_zoo(zoo.get_external_models, name, filename, map_location)


def load_from_mmcls(filename: str, map_location: MapLocation = None) -> dict:
    """Serve ``mmcls://``, of which only the backbone's weights are used."""
    name = filename.split('://', 1)[1]
    found = _from_zoo(zoo.get_mmcls_models, name, filename, map_location)
    return zoo._process_mmcls_checkpoint(found)


def install_safe_loading() -> None:
    """Make every checkpoint that mmengine loads go through :func:`load_checkpoint`.

    Replaces mmengine's loaders of local files, http(s), buckets and model zoos by their public
    registration; can be called any number of times.
    """
    register_safe_globals()
    for prefixes, loader in (
        ('', load_from_local),
        (('http://', 'https://'), load_from_http),
        ((r'(\S+\:)?s3://', r'(\S+\:)?petrel://'), load_from_bucket),
        (('modelzoo://', 'torchvision://'), load_from_torchvision),
        (('open-mmlab://', 'openmmlab://'), load_from_openmmlab),
        ('mmcls://', load_from_mmcls),
    ):
        CheckpointLoader.register_scheme(prefixes, loader=loader, force=True)
