import numpy as np
import pytest
import trimesh


@pytest.fixture(scope='session')
def ball():
    """Vertices (V, 3) float64 and faces (F, 3) of a unit icosphere, outward."""
    mesh = trimesh.creation.icosphere(subdivisions=3)
    return np.array(mesh.vertices), np.array(mesh.faces)


@pytest.fixture(scope='session')
def box():
    """Vertices and faces of a cube of edge 2 about the origin, outward."""
    mesh = trimesh.creation.box(extents=(2, 2, 2))
    return np.array(mesh.vertices, dtype=np.float64), np.array(mesh.faces)
