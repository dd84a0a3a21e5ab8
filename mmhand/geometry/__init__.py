"""Geometry of point sets and meshes."""

from .contact import Contact, contact_deviation, inside, mesh_contact, winding_number
from .mesh_distance import fscore, nearest_distances, surface_distances
from .mesh_io import Mesh, load_mesh, save_mesh, save_meshes
from .normals import face_normals, vertex_normals
from .procrustes import Similarity, fit_similarity, similarity_align
from .topology import is_watertight, signed_volume

__all__ = [
    'Contact',
    'Mesh',
    'Similarity',
    'contact_deviation',
    'face_normals',
    'fit_similarity',
    'fscore',
    'inside',
    'is_watertight',
    'load_mesh',
    'mesh_contact',
    'nearest_distances',
    'save_mesh',
    'save_meshes',
    'signed_volume',
    'similarity_align',
    'surface_distances',
    'vertex_normals',
    'winding_number',
]
