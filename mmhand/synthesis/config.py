"""What a synthetic data set should hold."""

import functools
from dataclasses import asdict, dataclass

from mmhand.hand_models.hand_pair import HandPair
from mmhand.hand_models.pose_sampling import GESTURES
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError

from .background import KINDS
from .depth_sensor import SENSOR_QUALITIES
from .photos import list_photos
from .scene_hands import scene_hands

#: What ``hands`` may ask for.
HAND_MODES = ('single', 'interacting', 'both')

#: Where a single hand's wrist and gesture may come from.
SINGLE_POSES = ('own', 'meeting')


@dataclass(frozen=True)
class SynthesisConfig:
    """Settings of the scene sampler and the renderer. Lengths in metres, angles in degrees.

    Attributes:
        hands: ``single`` (one hand a frame), ``interacting`` (two) or ``both`` (half of each).
        sides: the sides a single hand may have.
        image_size: (width, height) in pixels. With ``turn_cameras`` half of the cameras have the
            two swapped.
        turn_cameras: let cameras be mounted upright or lying, as InterHand2.6M's are.
        views: pictures taken of each frame, by different cameras of the rig.
        cameras: cameras in a capture's rig.
        captures: captures (each its own person, rig and lights); frames go round them.
        framing: ``rig`` keeps the cameras of a capture where they are, as a studio does; ``crop``
            aims each picture at the hands, so that they fill it (FreiHAND's crops).
        grey_cameras: share of the cameras that see no colour (InterHand2.6M's cam41xxxx).
        occluder_prob: chance that a frame holds an object besides the hands.
        forearms: draw forearms, bare or sleeved; they belong to no hand mask.
        hand_model: name of the registered hand model that is drawn.
        solo_images: also return each hand alone before the same background (amodal completion).
        studio: one rig of cameras and intrinsics for all captures and splits, and one side for each
            capture, as in DexYCB's studio.
        max_penetration: greatest depth that one hand may sink into the other, metres.
        turn: how far wrists and cameras turn from their usual attitude: 1 as people and studios do
            (at times any way at all), 0 always the same. Less than 1 makes a set that is learned
            in fewer steps.
        gestures: gestures that fingers may make, see :func:`mmhand.hand_models.sample_pose`; all if
            empty. Two hands that meet keep to those that suit their meeting where any is left.
        single_poses: attitudes and gestures of single hands: ``own``, those of a hand held before
            the cameras, or ``meeting``, those of one of two hands that would meet. With the
            latter, what is learned of single hands holds for every hand of the set.
        pose_components: fingers are posed by so many principal components of the hand model; 0: freely.
        shape_components: people differ in so many shape components; 0: in all.
        shape_spread: standard deviations of people's shapes over those of the hand model's people; more
            than 1 makes hands whose shapes are told apart in fewer pictures.
        sensor: how well the sensors of depth benchmarks do, ``exact``, ``usual`` or ``rough`` (ragged
            outlines and lost patches), see :func:`.depth_sensor.get_sensor`.
        pictures: write depth pictures; without, a format of sequences has its skeletons only.
        backgrounds: kinds of background, see :data:`.background.KINDS`; all if empty.
        photos: folder of pictures that also serve as backgrounds; none if empty. The same pictures make
            the same set.
        photo_share: share of the frames that have one of them behind the hands.
    """

    hands: str = 'both'
    sides: tuple[str, ...] = SIDES
    image_size: tuple[int, int] = (512, 334)
    turn_cameras: bool = True
    views: int = 4
    cameras: int = 12
    captures: int = 4
    framing: str = 'rig'
    grey_cameras: float = 0.25
    occluder_prob: float = 0.3
    forearms: bool = True
    hand_model: str = 'OpenHand'
    solo_images: bool = False
    studio: bool = False
    max_penetration: float = 0.003
    turn: float = 1.0
    gestures: tuple[str, ...] = ()
    single_poses: str = 'own'
    backgrounds: tuple[str, ...] = ()
    pose_components: int = 0
    shape_components: int = 0
    shape_spread: float = 1.0
    sensor: str = 'usual'
    pictures: bool = True
    photos: str = ''
    photo_share: float = 0.5

    @functools.cached_property
    def models(self) -> HandPair:
        """The hand models that are drawn, right first."""
        return scene_hands(self.hand_model)

    def __post_init__(self) -> None:
        self._choice('hands', self.hands, HAND_MODES)
        self._choice('framing', self.framing, ('rig', 'crop'))
        self._choice('single_poses', self.single_poses, SINGLE_POSES)
        self._choice('sensor', self.sensor, SENSOR_QUALITIES)
        if not self.sides or not set(self.sides) <= {'right', 'left'}:
            raise HandConfigError(f'sides must name right, left or both, not {list(self.sides)}')
        unknown = set(self.gestures) - set(GESTURES)
        if unknown:
            raise HandConfigError(
                f'unknown gesture {", ".join(sorted(unknown))}; known: {", ".join(GESTURES)}'
            )
        unknown = set(self.backgrounds) - set(KINDS)
        if unknown:
            raise HandConfigError(
                f'unknown background {", ".join(sorted(unknown))}; known: {", ".join(KINDS)}'
            )
        if len(self.image_size) != 2 or not all(32 <= edge <= 4096 for edge in self.image_size):
            raise HandConfigError(
                f'image_size must be WxH with both edges from 32 to 4096, not {self.image_size}'
            )
        for name in ('views', 'cameras', 'captures'):
            if getattr(self, name) < 1:
                raise HandConfigError(f'{name} must be at least 1, not {getattr(self, name)}')
        if self.views > self.cameras:
            raise HandConfigError(
                f'views ({self.views}) exceeds the cameras of the rig ({self.cameras})'
            )
        for name, most in (('pose_components', 45), ('shape_components', 10)):
            if not 0 <= getattr(self, name) <= most:
                raise HandConfigError(f'{name} must lie in [0, {most}], not {getattr(self, name)}')
        if not 0 <= self.shape_spread <= 2:
            raise HandConfigError(f'shape_spread must lie in [0, 2], not {self.shape_spread}')
        if self.photos:
            list_photos(self.photos)
        for name in ('grey_cameras', 'occluder_prob', 'turn', 'photo_share'):
            if not 0 <= getattr(self, name) <= 1:
                raise HandConfigError(f'{name} must lie in [0, 1], not {getattr(self, name)}')

    def _choice(self, name: str, value: str, choices: tuple[str, ...]) -> None:
        if value not in choices:
            raise HandConfigError(f'{name} must be one of {", ".join(choices)}, not "{value}"')

    def locate(self, index: int) -> tuple[int, int]:
        """(frame, view) of a sample; the views of one frame are neighbours.

        Raises:
            HandConfigError: a negative index.
        """
        if index < 0:
            raise HandConfigError(f'sample index must be >= 0, not {index}')
        return divmod(index, self.views)

    def capture_of(self, frame: int) -> int:
        """The capture a frame belongs to."""
        return frame % self.captures

    def to_dict(self) -> dict:
        """Plain JSON-able settings."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
