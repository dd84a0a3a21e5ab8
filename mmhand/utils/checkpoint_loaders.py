"""mmengine's ways to name a checkpoint, each ending in the safe reader of :mod:`.checkpoint`.

``load_from``, ``resume`` and ``init_cfg=dict(type='Pretrained', ...)`` all ask mmengine's
``CheckpointLoader``. After :func:`install_safe_loading` none of them runs what a file contains,
whatever the torch and mmengine versions and whatever ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD`` says.
"""

import hashlib
import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.dist import barrier, is_main_process
from mmengine.fileio import get_file_backend
from mmengine.runner import checkpoint as zoo
from mmengine.runner.checkpoint import CheckpointLoader

from .checkpoint import MapLocation, load_checkpoint, read_open_checkpoint
from .errors import HandFileError

#: Environment variable that allows checkpoints over plain http.
HTTP_VARIABLE = 'MMHAND_ALLOW_HTTP'


def load_from_local(filename: str, map_location: MapLocation = None) -> dict:
    """Serve file paths."""
    return _without_code(load_checkpoint(filename, map_location))


def _without_code(checkpoint: dict) -> dict:
    """Drop what mmengine would run: ``Runner.resume`` executes ``meta['config']`` as Python."""
    if isinstance(checkpoint.get('meta'), dict):
        checkpoint['meta'].pop('config', None)
    return checkpoint


def load_from_http(url: str, map_location: MapLocation = None) -> dict:
    """Serve ``https://``; the main process downloads into torch's hub folder.

    The file is kept under its name and a hash of the whole address, so two servers' files of one name
    do not meet. A hash in the name, as in ``resnet50-19c8e357.pth``, is verified.

    Raises:
        HandFileError: plain ``http://`` without ``MMHAND_ALLOW_HTTP=1``, a failed download, or a file
            that is not what its name says.
    """
    if url.startswith('http://') and os.environ.get(HTTP_VARIABLE) != '1':
        raise HandFileError(
            f'checkpoint {url} would come over an unprotected connection: use https://, or set '
            f'{HTTP_VARIABLE}=1 if you trust the network'
        )
    name = Path(url.split('?')[0].split('#')[0]).name
    folder = Path(torch.hub.get_dir()) / 'checkpoints'
    stated = re.search(r'-([0-9a-f]{8,64})\.', name)
    if stated and _has_hash(folder / name, stated.group(1)):
        # Fetched by other means, or by torchvision.
        return load_from_local(str(folder / name), map_location)
    cached = folder / f'{hashlib.sha256(url.encode()).hexdigest()[:12]}-{name}'
    if is_main_process() and not cached.is_file():
        _download(url, cached, stated and stated.group(1))
    barrier()
    return load_from_local(str(cached), map_location)


def _download(url: str, target: Path, stated: str | None) -> None:
    part = target.with_name(f'{target.name}.part')
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(part), progress=False)
    except (OSError, RuntimeError) as error:
        raise HandFileError(
            f'cannot download {url} ({error}); fetch it by other means and name the file, '
            'or set the init_cfg that asks for it to None'
        ) from error
    if stated and not _has_hash(part, stated):
        part.unlink(missing_ok=True)
        raise HandFileError(
            f'what came from {url} is not the file of that name: its SHA-256 does not begin with '
            f'{stated}; try again later or fetch it from another place'
        )
    part.replace(target)


def _has_hash(path: Path, prefix: str) -> bool:
    if not path.is_file():
        return False
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest().startswith(prefix)


def load_from_bucket(filename: str, map_location: MapLocation = None) -> dict:
    """Serve ``s3://`` and ``petrel://``."""
    content = get_file_backend(filename, backend_args={'backend': 'petrel'}).get(filename)
    found = read_open_checkpoint(io.BytesIO(content), filename, map_location, trust=False)
    return _without_code(found)


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
    for prefixes, loader in (
        ('', load_from_local),
        (('http://', 'https://'), load_from_http),
        ((r'(\S+\:)?s3://', r'(\S+\:)?petrel://'), load_from_bucket),
        (('modelzoo://', 'torchvision://'), load_from_torchvision),
        (('open-mmlab://', 'openmmlab://'), load_from_openmmlab),
        ('mmcls://', load_from_mmcls),
    ):
        CheckpointLoader.register_scheme(prefixes, loader=loader, force=True)
