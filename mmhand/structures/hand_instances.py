"""One row per hand."""

from mmengine.structures import InstanceData


class HandInstances(InstanceData):
    """Hands of one image; every field has one row per hand, right before left where both are there.

    Fields in use (metres, radians, OpenCV camera frame; canonical joint order):

    * ``side`` (N,) int64, 0 right, 1 left; ``handedness_score`` (N,) in [0, 1].
    * ``keypoints_3d`` (N, 21, 3), ``keypoints_2d`` (N, 21, 2) pixels of the input crop,
      ``keypoint_valid`` (N, 21), ``root`` (N, 3) the wrist in the camera frame.
    * ``pose`` (N, 48) axis-angle of wrist and fingers, hand mean not added; ``betas`` (N, 10);
      ``transl`` (N, 3); ``mano_valid`` (N,); ``vertices`` (N, V, 3).
    * ``bbox`` (N, 4) xywh in the original image.
    """
