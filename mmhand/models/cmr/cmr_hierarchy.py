"""Which mesh hierarchy a CMR network decodes to."""

import os
from pathlib import Path

import torch
from mmengine.logging import print_log

from mmhand.geometry.mesh_hierarchy import CMR_TEMPLATE, MeshHierarchy
from mmhand.hand_models import HandModel
from mmhand.utils.errors import HandConfigError

#: Environment variable with HandMesh's ``template.ply`` or ``transform.pkl``.
CMR_TEMPLATE_VARIABLE = 'MMHAND_CMR_TEMPLATE'


def hierarchy_for(hand_model: HandModel, path: str | Path | None = None) -> MeshHierarchy:
    """The hierarchy of a hand model's mesh.

    Args:
        hand_model: whose topology the finest level has.
        path: file of :meth:`MeshHierarchy.load`. Without it: the file that ``MMHAND_CMR_TEMPLATE``
            names; else, for MANO's own faces, HandMesh's template in this package, which the released
            weights need; else the hand model's own mesh, decimated.

    Raises:
        HandConfigError: the file's mesh has another number of vertices than the hand model.
        HandFileError, HandDataError, UnsafeFileError: see :meth:`MeshHierarchy.load`.
    """
    source = path or os.environ.get(CMR_TEMPLATE_VARIABLE) or None
    faces = hand_model.faces.cpu()
    if source is None:
        template = MeshHierarchy.load(CMR_TEMPLATE)
        if _same(template, faces):
            return template
        # Near the origin the released weights of up-sampling would make no sense.
        return MeshHierarchy.from_mesh(hand_model.v_template, faces, affine=True)
    hierarchy = MeshHierarchy.load(source)
    name = type(hand_model).__name__
    if hierarchy.sizes[0] != hand_model.num_verts:
        where = 'model.hierarchy' if path else CMR_TEMPLATE_VARIABLE
        raise HandConfigError(
            f'{source} ({where}) is a mesh of {hierarchy.sizes[0]} vertices, {name} has '
            f'{hand_model.num_verts}: unset it to decimate {name}, or set model.hand_model'
        )
    if not _same(hierarchy, faces):
        print_log(f'the faces of {source} are not those of {name}', logger='current')
    return hierarchy


def _same(hierarchy: MeshHierarchy, faces: torch.Tensor) -> bool:
    own = torch.as_tensor(hierarchy.faces[0])
    return own.shape == faces.shape and bool((own == faces).all())
