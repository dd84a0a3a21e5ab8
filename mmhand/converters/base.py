"""Turn an authors' checkpoint into an mmhand checkpoint with every key accounted for.

A method is a :class:`ConversionMethod`: rules that rename keys, rules that drop keys and say why,
and, where a rename is not enough, a function that takes tensors and puts others. A key that no rule
knows is an error, and so is a weight of the mmhand model that the result lacks.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError
from mmhand.utils.trained_hand import KEY
from mmhand.version import __version__

from .config_model import config_hand_models, config_model

#: ``(pattern, replacement)``: a regular expression that must match the whole key, and the new key.
Rule = tuple[str, str | Callable[[re.Match], str]]


class KeyTable:
    """Source weights on their way out: every key is taken, renamed or dropped exactly once.

    Args:
        state: name to tensor; a ``module.`` in front of all names is removed.
        source: what messages call the checkpoint.
    """

    def __init__(self, state: Mapping[str, Tensor], source: str) -> None:
        keys = list(state)
        wrapped = bool(keys) and all(key.startswith('module.') for key in keys)
        self.source = source
        self.left = {key.removeprefix('module.') if wrapped else key: state[key] for key in keys}
        #: new key -> tensor
        self.converted: dict[str, Tensor] = {}
        #: (source key, new key) in order
        self.renamed: list[tuple[str, str]] = []
        #: (source key, reason) in order
        self.dropped: list[tuple[str, str]] = []
        self._taken: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self.left

    def find(self, pattern: str) -> list[re.Match]:
        """Matches of a regular expression on the whole of each remaining key, in file order."""
        return [match for key in self.left if (match := re.fullmatch(pattern, key))]

    def take(self, key: str) -> Tensor:
        """Remove a tensor from the source; the next :meth:`put` accounts for it.

        Raises:
            HandDataError: the checkpoint has no such key.
        """
        if key not in self.left:
            raise HandDataError(
                f'{self.source} lacks "{key}"; it is incomplete or from another network'
            )
        self._taken.append(key)
        return self.left.pop(key)

    def put(self, key: str, tensor: Tensor) -> None:
        """Add a converted tensor, made of what was taken since the last call.

        Raises:
            HandDataError: the new key exists already.
        """
        if key in self.converted:
            raise HandDataError(f'two keys of {self.source} become "{key}"')
        self.converted[key] = tensor
        self.renamed.extend((source, key) for source in self._taken)
        self._taken = []

    def drop(self, key: str, reason: str) -> Tensor:
        """Leave a key out of the result and say why; returns its tensor."""
        tensor = self.take(key)
        self._taken.remove(key)
        self.dropped.append((key, reason))
        return tensor

    def apply(self, rename: Iterable[Rule], drop: Iterable[tuple[str, str]]) -> None:
        """Drop and rename what is left.

        Raises:
            HandDataError: keys that no rule knows.
        """
        drop, rename = list(drop), list(rename)
        for key in list(self.left):
            reason = next((why for pattern, why in drop if re.fullmatch(pattern, key)), None)
            if reason is not None:
                self.drop(key, reason)
                continue
            for pattern, replacement in rename:
                match = re.fullmatch(pattern, key)
                if match:
                    new = replacement(match) if callable(replacement) else match.expand(replacement)
                    self.put(new, self.take(key))
                    break
        if self.left:
            raise HandDataError(
                f'{self.source} has {len(self.left)} keys that the method does not know, such as '
                f'{_some(self.left)}; it is from another network or version'
            )


@dataclass(frozen=True)
class ConversionMethod:
    """How one kind of authors' checkpoint becomes mmhand's.

    Attributes:
        name: METHOD on the command line.
        about: one line: which file of which release.
        model: the mmhand model the result is checked against: name of the config that declares it, a
            config of it, or a function that makes one from the source weights (for families of
            sizes).
        rename: rules, the first that matches applies.
        drop: ``(pattern, reason)``; tried before ``rename``.
        convert: called first, for what is more than renaming.
        prefixes: parts of the model that the file holds; every weight under them must be found.
            All of the model by default.
        absent: patterns of model keys that the file rightly lacks.
        compare_mano: the file holds MANO's arrays; they are compared with the user's own MANO where one
            is known.
        hand_models: kinds of the hand models that the authors trained with; those of the config where
            ``model`` is the name of one.
    """

    name: str
    about: str
    model: str | dict | Callable[[Mapping[str, Tensor]], dict]
    rename: tuple[Rule, ...] = ()
    drop: tuple[tuple[str, str], ...] = ()
    convert: Callable[[KeyTable], None] | None = None
    prefixes: tuple[str, ...] = ('',)
    absent: tuple[str, ...] = ()
    compare_mano: bool = False
    hand_models: tuple[str, ...] = ()

    def trained_hands(self) -> list[str]:
        """Hand models that the weights have learned, for ``meta``; empty where there is none."""
        if self.hand_models or not isinstance(self.model, str):
            return list(self.hand_models)
        return config_hand_models(self.model)

    def __call__(self, state: Mapping[str, Tensor], source: str = 'the checkpoint') -> KeyTable:
        """Convert weights and check them against the model.

        Args:
            state: the authors' state dict.
            source: what messages call it.

        Returns:
            The table with ``converted``, ``renamed`` and ``dropped``.

        Raises:
            HandDataError: unknown or missing keys, or a tensor of another shape than the model's.
        """
        table = KeyTable(state, source)
        config = self.model
        if isinstance(config, str):
            config = config_model(config)
        elif callable(config):
            config = config(table.left)
        if self.convert is not None:
            self.convert(table)
        table.apply(self.rename, self.drop)
        self._check(table, _build(config))
        return table

    def _check(self, table: KeyTable, model: nn.Module) -> None:
        wanted = model.state_dict()
        have = table.converted
        missing = [
            key
            for key in wanted
            if key not in have
            and key.startswith(self.prefixes)
            and not any(re.fullmatch(pattern, key) for pattern in self.absent)
        ]
        if missing:
            raise HandDataError(
                f'{table.source} does not fill {len(missing)} weights of {type(model).__name__}, '
                f'such as {_some(missing)}; it is incomplete or from another network'
            )
        foreign = [key for key in have if key not in wanted]
        if foreign:
            raise HandDataError(
                f'{table.source} converts to {len(foreign)} weights that {type(model).__name__} '
                f'lacks, such as {_some(foreign)}; it is from another version of the network'
            )
        for key, tensor in have.items():
            if tensor.shape != wanted[key].shape:
                origin = next(old for old, new in table.renamed if new == key)
                raise HandDataError(
                    f'{table.source}: "{origin}" has shape {tuple(tensor.shape)}, '
                    f'{type(model).__name__}.{key} has {tuple(wanted[key].shape)}'
                )


@dataclass
class ConversionReport:
    """What became of a checkpoint.

    Attributes:
        method: METHOD.
        renamed: (source key, new key).
        dropped: (source key, reason); entries of the file beside its weights included.
        mano: largest difference of each of MANO's arrays from the user's own; empty if not compared.
    """

    method: str
    renamed: list[tuple[str, str]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    mano: dict[str, float] = field(default_factory=dict)

    def table(self, every_key: bool = False) -> str:
        """Text for people: counts and reasons, or every single key."""
        if every_key:
            width = max(len(old) for old, _ in [*self.renamed, *self.dropped])
            lines = [f'{old:<{width}} -> {new}' for old, new in self.renamed]
            lines += [f'{old:<{width}} dropped: {why}' for old, why in self.dropped]
            return '\n'.join(lines)
        reasons: dict[str, int] = {}
        for _, why in self.dropped:
            reasons[why] = reasons.get(why, 0) + 1
        lines = [f'{self.method}: {len({old for old, _ in self.renamed})} keys converted']
        lines += [f'  {count:5d} dropped: {why}' for why, count in reasons.items()]
        return '\n'.join(lines)


METHODS: dict[str, ConversionMethod] = {}


def register_method(method: ConversionMethod) -> ConversionMethod:
    """Make a method available to the converter tool.

    Raises:
        HandConfigError: its name is taken.
    """
    if method.name in METHODS:
        raise HandConfigError(f'conversion method "{method.name}" is registered twice')
    METHODS[method.name] = method
    return method


def convert_file(
    method: str,
    src: str | os.PathLike,
    dst: str | os.PathLike,
    trust: bool = False,
    mano_root: str | os.PathLike | None = None,
) -> ConversionReport:
    """Convert a checkpoint file.

    Args:
        method: a key of :data:`METHODS`.
        src: the authors' file: a state dict, or a dict that holds one as ``state_dict``,
            ``model_state_dict``, ``model`` or ``net``.
        dst: file to write; it appears only when complete.
        trust: allow the file to run code while it is read.
        mano_root: the user's MANO file or its folder, to compare the arrays in the file with; ``None``
            compares with ``MMHAND_MANO_ROOT`` where the method asks for it and the variable is set.

    Returns:
        What was converted and what was dropped.

    Raises:
        HandConfigError: unknown method.
        HandFileError: a file cannot be read or written.
        HandDataError: keys or shapes do not fit, or its MANO is not the user's.
        UnsafeFileError: the file holds more than weights, and ``trust`` is not given.
    """
    from mmhand.utils.checkpoint import load_checkpoint

    if method not in METHODS:
        raise HandConfigError(f'unknown method "{method}"; known: {", ".join(sorted(METHODS))}')
    checkpoint = load_checkpoint(src, trust=trust)
    state, beside = _weights(checkpoint, str(src))
    table = METHODS[method](state, str(src))
    report = ConversionReport(method, table.renamed, [*beside, *table.dropped])
    if mano_root is None and METHODS[method].compare_mano:
        mano_root = os.environ.get('MMHAND_MANO_ROOT') or None
    if mano_root is not None:
        from .embedded_mano import compare_embedded_mano

        report.mano = compare_embedded_mano(state, mano_root)
    meta = dict(
        mmhand_version=__version__,
        conversion=dict(method=method, source=Path(src).name, dropped=len(report.dropped)),
    )
    if kinds := METHODS[method].trained_hands():
        meta[KEY] = kinds
    save_atomically(dict(meta=meta, state_dict=table.converted), dst)
    return report


def save_atomically(checkpoint: dict, path: str | os.PathLike) -> None:
    """Write a checkpoint beside its place and move it there.

    Raises:
        HandFileError: the place cannot be written.
    """
    try:
        with atomic_write(path, durable=True) as file:
            torch.save(checkpoint, file)
    except RuntimeError as error:
        raise HandFileError(f'{path}: cannot be written ({error})') from error


def _weights(checkpoint: Mapping, source: str) -> tuple[dict[str, Tensor], list[tuple[str, str]]]:
    """The state dict of a file, and what else the file holds."""
    for name in ('state_dict', 'model_state_dict', 'model', 'net', 'network'):
        if isinstance(checkpoint.get(name), Mapping):
            beside = [(str(key), 'not a weight') for key in checkpoint if key != name]
            checkpoint = checkpoint[name]
            break
    else:
        beside = []
    foreign = [key for key, value in checkpoint.items() if not isinstance(value, Tensor)]
    if foreign or not checkpoint:
        raise HandDataError(
            f'{source} holds no state dict: {_some(foreign) or "it is empty"} '
            'is where tensors should be'
        )
    return dict(checkpoint), beside


def _build(config: dict) -> nn.Module:
    # Models are imported only here: reading the table of methods stays cheap.
    from mmengine.registry import DefaultScope

    from mmhand.registry import MODELS

    with DefaultScope.overwrite_default_scope('mmhand'):
        return MODELS.build(config)


def _some(keys: Iterable[str], count: int = 3) -> str:
    keys = list(keys)
    return ', '.join(f'"{key}"' for key in keys[:count]) + (', ...' if len(keys) > count else '')
