"""What the identity-aware network and its baselines share: one right hand in its model's own frame."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from mmhand.hand_models import HandModel
from mmhand.hand_models.rotations import axis_angle_to_matrix, matrix_to_rotation_6d
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandEstimate, sample_name
from mmhand.utils.errors import HandConfigError, HandDataError

from .single_hand_mesh_estimator import SingleHandMeshEstimator


class ModelFrameEstimator(SingleHandMeshEstimator):
    """Base of estimators of a right hand's mesh where the hand model puts it, without translation.

    That frame, camera axes and the model's own origin, is where the losses compare. A prediction is
    moved in front of the camera: to the annotated wrist where there is one, else to where a hand of its
    size fills the usual part of the crop. ``pred_hands.transl`` leads back. ``pred_hands.pose`` is as
    the hand model takes it (absolute rotations, unless the estimator has pose components).

    Args:
        hand_model: config of a right hand; ``flat_hand_mean`` and ``num_pca`` are the estimator's.
        num_pca: pose components of the hand model, ``None`` for axis-angle.
        flat_hand_mean: whether a zero pose is the flat hand.
        data_preprocessor, test_cfg, init_cfg, refine: see :class:`SingleHandMeshEstimator`.

    Raises:
        HandConfigError: unknown ``root``, or a left hand.
    """

    ROOTS: ClassVar[dict[str, dict]] = {'crop': dict(type='BoxPlacement')}

    def __init__(
        self,
        hand_model: dict,
        num_pca: int | None = None,
        flat_hand_mean: bool = True,
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
        refine: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, test_cfg, init_cfg, refine)
        settings = dict(flat_hand_mean=flat_hand_mean, num_pca=num_pca)
        self.hand_model: HandModel = MODELS.build({**hand_model, **settings})
        self.hand_model.requires_grad_(False)
        if self.hand_model.side != 'right':
            raise HandConfigError(f'{type(self).__name__} poses right hands: hand_model.side=right')

    def target(self, data_samples: Sequence[HandDataSample], like: Tensor) -> HandEstimate:
        """Annotated right hands without their translation.

        Args:
            data_samples: B samples with ``gt_hands.pose`` (mean not added) and ``betas``. Where they
                have ``vertices`` and ``transl`` the mesh is their difference, else it is posed.
            like: gives device and dtype.

        Returns:
            ``vertices``, ``rotmats``, ``rotations_6d`` (rows) and ``betas``.

        Raises:
            HandDataError: a sample has no hand parameters, or a mesh of another topology.
            HandConfigError: its parameters belong to another hand model.
        """
        betas = self.annotated_betas(data_samples, like)
        rotmats = self.annotated_rotations(data_samples, like)
        return HandEstimate(
            joints=None,
            vertices=self.mesh_target(data_samples, like),
            rotmats=rotmats,
            betas=betas,
            rotations_6d=matrix_to_rotation_6d(rotmats, layout='rows'),
        )

    def mesh_target(self, data_samples: Sequence[HandDataSample], like: Tensor) -> Tensor:
        """(B, V, 3) annotated meshes without their translation.

        ``gt_hands.vertices`` less ``transl`` where all samples have both; else posed from ``pose`` (mean
        not added) and ``betas``. Raises as :meth:`target` does.
        """
        model = self.hand_model
        wanted = {'vertices', 'transl'}
        if all('gt_hands' in s and wanted <= set(s.gt_hands.keys()) for s in data_samples):
            vertices = self._stack(data_samples, 'vertices', like)
            if vertices.shape[1] != model.num_verts:
                raise HandDataError(
                    f'sample {sample_name(data_samples[0])}: its mesh has {vertices.shape[1]} '
                    f'vertices, {type(model).__name__} has {model.num_verts}'
                )
            return vertices - self._stack(data_samples, 'transl', like)[:, None]
        betas = self.annotated_betas(data_samples, like)
        rotmats = self.annotated_rotations(data_samples, like)
        with torch.no_grad():
            return model(rotmats[:, 0], rotmats[:, 1:], betas).vertices

    def annotated_rotations(self, data_samples: Sequence[HandDataSample], like: Tensor) -> Tensor:
        """(B, 16, 3, 3) of ``gt_hands.pose``, the mean pose added; raises as :meth:`target` does."""
        pose = self._stack(data_samples, 'pose', like)
        full = torch.cat((pose[:, :3], pose[:, 3:] + self.hand_model.hand_mean.to(pose)), dim=1)
        return axis_angle_to_matrix(full.unflatten(1, (-1, 3)))

    def annotated_betas(self, data_samples: Sequence[HandDataSample], like: Tensor) -> Tensor:
        """(B, S) ``gt_hands.betas``; raises as :meth:`target` does."""
        name = type(self.hand_model).__name__
        for sample in data_samples:
            stated = sample.get('hand_model')
            if stated not in (None, name):
                raise HandConfigError(
                    f'the annotations of sample {sample_name(sample)} are parameters of {stated}, '
                    f'the model poses {name}: set model.hand_model.type={stated}'
                )
        betas = self._stack(data_samples, 'betas', like)
        if betas.shape[1] != self.hand_model.num_betas:
            raise HandDataError(
                f'sample {sample_name(data_samples[0])} has {betas.shape[1]} betas, {name} takes '
                f'{self.hand_model.num_betas}'
            )
        return betas

    @staticmethod
    def _stack(data_samples: Sequence[HandDataSample], name: str, like: Tensor) -> Tensor:
        """(B, ...) first rows of a field of ``gt_hands``."""
        for sample in data_samples:
            if sample.get('gt_hands') is None or name not in sample.gt_hands:
                raise HandDataError(
                    f'sample {sample_name(sample)} has no gt_hands.{name}: this model learns from '
                    'pose and betas, use a data set (or filter) that has them'
                )
        return torch.cat([sample.gt_hands.get(name)[:1] for sample in data_samples]).to(like)
