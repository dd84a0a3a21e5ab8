"""Geometry of point sets and meshes."""

from .contact import Contact, contact_deviation, inside, mesh_contact, winding_number
from .mesh_distance import fscore, nearest_distances, surface_distances
from .mesh_hierarchy import MeshHierarchy
from .mesh_io import Mesh, load_mesh, save_mesh, save_meshes
from .mesh_parts import MeshParts, hand_parts, self_intersection_volume
from .normals import face_normals, vertex_normals
from .point_to_mesh import PointToMesh, closest_barycentric, point_mesh_distances
from .point_to_mesh_reference import point_mesh_distances_reference
from .procrustes import Similarity, fit_similarity, similarity_align
from .sphere_proxy import SphereProxy
from .topology import is_watertight, signed_volume

__all__ = [
    'Contact',
    'Mesh',
    'MeshParts',
    'MeshHierarchy',
    'PointToMesh',
    'Similarity',
    'SphereProxy',
    'closest_barycentric',
    'contact_deviation',
    'face_normals',
    'fit_similarity',
    'fscore',
    'hand_parts',
    'inside',
    'is_watertight',
    'load_mesh',
    'mesh_contact',
    'nearest_distances',
    'point_mesh_distances',
    'point_mesh_distances_reference',
    'save_mesh',
    'save_meshes',
    'self_intersection_volume',
    'signed_volume',
    'similarity_align',
    'surface_distances',
    'vertex_normals',
    'winding_number',
]
