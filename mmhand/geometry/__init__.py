"""Geometry of point sets and meshes."""

from .contact import Contact, inside, mesh_contact, winding_number
from .mesh_distance import fscore, nearest_distances
from .mesh_io import load_mesh, save_mesh, save_meshes
from .normals import face_normals, vertex_normals
from .procrustes import Similarity, fit_similarity, similarity_align

__all__ = [
    'Contact',
    'Similarity',
    'face_normals',
    'fit_similarity',
    'fscore',
    'inside',
    'load_mesh',
    'mesh_contact',
    'nearest_distances',
    'save_mesh',
    'save_meshes',
    'similarity_align',
    'vertex_normals',
    'winding_number',
]
