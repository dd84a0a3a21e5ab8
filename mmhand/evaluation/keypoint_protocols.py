"""How benchmarks of 2D hand joints score."""

from dataclasses import dataclass

from mmhand.utils.errors import HandConfigError


@dataclass(frozen=True)
class KeypointProtocol:
    """One benchmark's rule.

    Attributes:
        threshold: of PCK, over ``norm``; a joint on the threshold is not within it.
        norm: ``'bbox'`` (the longer side of the annotated box) or ``'head'`` (Panoptic's ``head_size``).
        auc_pixels: the area under the PCK curve goes from 0 to this many pixels of the picture.
        auc_steps: at so many thresholds, 0 included and the last one not.
    """

    threshold: float = 0.2
    norm: str = 'bbox'
    auc_pixels: float = 30.0
    auc_steps: int = 20

    @property
    def name(self) -> str:
        """Of its PCK."""
        return f'{"PCKh" if self.norm == "head" else "PCK"}@{self.threshold:g}'


#: FreiHAND2D, OneHand10K, RHD and COCO-WholeBody's hands: PCK@0.2 by the box, AUC to 30 pixels, EPE, as
#: mmpose's tables; Panoptic as its authors: PCKh@0.7 of the head's size.
KEYPOINT_PROTOCOLS = {
    'freihand2d': KeypointProtocol(),
    'onehand10k': KeypointProtocol(),
    'rhd2d': KeypointProtocol(),
    'coco_wholebody_hand': KeypointProtocol(),
    'panoptic': KeypointProtocol(threshold=0.7, norm='head'),
}


def get_keypoint_protocol(name: str) -> KeypointProtocol:
    """Look a protocol up.

    Raises:
        HandConfigError: there is none of that name.
    """
    if name not in KEYPOINT_PROTOCOLS:
        raise HandConfigError(
            f'unknown 2D protocol "{name}"; known: {", ".join(sorted(KEYPOINT_PROTOCOLS))}'
        )
    return KEYPOINT_PROTOCOLS[name]
