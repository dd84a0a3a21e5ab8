"""What a checkpoint file claims about itself, compared with what is in it, before torch believes it.

torch takes the sizes in a checkpoint's pickle at their word: a storage said to be larger than its record
is read beyond its end. Nothing here builds a tensor or runs code of the file.
"""

import io
import pickle
import sys
import zipfile
from typing import Any, BinaryIO

import torch
from torch import _weights_only_unpickler as unpickler

from .errors import HandFileError, MMHandError, UnsafeFileError
from .safe_globals import UNWANTED, safe_globals

#: torch stores records as they are; an archive that grows beyond this when unpacked is none of its.
_INFLATION = 4
_SLACK = 1 << 26

#: Largest pickle of names and shapes, bytes; tensors are not in it.
_PICKLE_LIMIT = 1 << 30


def check_archive(file: BinaryIO, name: str) -> None:
    """Check a zip checkpoint: sizes, CRC of every record, and storages against their records.

    Args:
        file: open and seekable; left at its start. Other formats than zip are left to torch.
        name: what messages call it.

    Raises:
        HandFileError: it is damaged, or claims what is not there.
        UnsafeFileError: it asks for memory through a class that weights do not need.
    """
    if not zipfile.is_zipfile(file):
        file.seek(0)
        return
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            _check_records(archive, size, name)
    except MMHandError:
        raise
    except Exception as error:  # a broken archive can fail in any way
        raise HandFileError(
            f'checkpoint {name} cannot be read; it is truncated or damaged ({error}); '
            'copy or download it again'
        ) from None
    finally:
        file.seek(0)


def _check_records(archive: zipfile.ZipFile, size: int, name: str) -> None:
    records = {info.filename: info for info in archive.infolist()}
    unpacked = sum(info.file_size for info in records.values())
    if unpacked > _INFLATION * size + _SLACK or len(records) != len(archive.infolist()):
        raise HandFileError(
            f'checkpoint {name} would grow from {size} to {unpacked} bytes when unpacked, which '
            "torch's own files do not; get it from another source"
        )
    damaged = archive.testzip()
    if damaged is not None:
        raise HandFileError(
            f'checkpoint {name} is damaged: record {damaged} does not match its checksum; '
            'copy or download it again'
        )
    for record, info in records.items():
        if record.endswith('/byteorder') and info.file_size < 16:
            order = archive.read(record).decode('ascii', 'replace').strip()
            if order != sys.byteorder:
                raise HandFileError(
                    f'checkpoint {name} was written on a machine of byte order "{order[:10]}"; '
                    'save it again on one like this'
                )
        if record.endswith('data.pkl'):
            if info.file_size > _PICKLE_LIMIT:
                raise HandFileError(f'checkpoint {name}: {record} has {info.file_size} bytes')
            root = record.removesuffix('data.pkl')
            sizes = {
                key.removeprefix(f'{root}data/'): entry.file_size
                for key, entry in records.items()
                if key.startswith(f'{root}data/')
            }
            _check_storages(archive.read(record), sizes, name)


class _Checker(unpickler.Unpickler):
    """torch's own unpickler, with storages that have a size and no memory."""

    sizes: dict[str, int]

    def persistent_load(self, pid: Any) -> torch.storage.TypedStorage:
        """Compare a storage with its record."""
        if not isinstance(pid, tuple) or len(pid) != 5:
            raise pickle.UnpicklingError('a storage is not described by five entries')
        _, kind, key, _, count = pid
        dtype = torch.uint8 if kind is torch.UntypedStorage else getattr(kind, 'dtype', None)
        if not isinstance(dtype, torch.dtype) or type(count) is not int or count < 0:
            raise pickle.UnpicklingError('a storage has no type or size')
        need = count * torch.empty((), dtype=dtype, device='meta').element_size()
        if need > self.sizes.get(str(key), -1):
            raise pickle.UnpicklingError(
                f'storage {str(key)[:20]!r} is said to hold {need} bytes, '
                f'its record has {self.sizes.get(str(key), 0)}'
            )
        meta = torch.UntypedStorage(need, device='meta')
        return torch.storage.TypedStorage(wrap_storage=meta, dtype=dtype, _internal=True)


def _check_storages(content: bytes, sizes: dict[str, int], name: str) -> None:
    unwanted = [entry for entry in UNWANTED if entry.rpartition('.')[2].encode() in content]
    checker = _Checker(io.BytesIO(content))
    checker.sizes = sizes
    if unwanted and (named := _named_unwanted(content)):
        raise UnsafeFileError(
            f'checkpoint {name} was refused and nothing of it was run: it asks for "{named}", '
            'which weights do not need'
        )
    with safe_globals():
        try:
            checker.load()
        except pickle.UnpicklingError as error:
            if 'storage' in str(error):
                raise HandFileError(f'checkpoint {name} is damaged or forged: {error}') from None
            # Foreign classes and the like: torch's own pass meets them again and names them.
        except Exception:  # noqa: S110 - a broken pickle can fail in any way, and fails again
            pass


def _named_unwanted(content: bytes) -> str | None:
    """The unwanted global that a pickle names, if any."""
    for entry in UNWANTED:
        module, _, attribute = entry.rpartition('.')
        for spelled in (module, '__builtin__'):
            if f'c{spelled}\n{attribute}\n'.encode() in content:
                return entry
    return None
