"""Pictures of a user's behind the hands."""

import cv2
import numpy as np
import pytest

from mmhand.synthesis import SynthesisConfig, render_sample
from mmhand.synthesis.background import sample_background
from mmhand.synthesis.photos import list_photos
from mmhand.utils.errors import HandConfigError, HandFileError


@pytest.fixture
def photos(tmp_path):
    """Two pictures of one colour each: red, and below it blue."""
    (tmp_path / 'more').mkdir()
    for name, colour in (('a.png', (0, 0, 200)), ('more/b.jpg', (200, 0, 0))):
        cv2.imwrite(str(tmp_path / name), np.full((50, 90, 3), colour, np.uint8))
    (tmp_path / 'notes.txt').write_text('none')
    return tmp_path


def test_parts_of_pictures_are_drawn(photos):
    rng = np.random.default_rng(0)
    drawn = [
        sample_background(rng, (40, 30), photos=str(photos), photo_share=1.0) for _ in range(12)
    ]
    assert all(each.shape == (30, 40, 3) and each.dtype == np.float32 for each in drawn)
    strongest = {int(each.mean((0, 1)).argmax()) for each in drawn}
    assert strongest == {0, 2}
    for each in drawn:
        assert each.std((0, 1)).max() < 0.02
        assert each.mean((0, 1)).min() < 0.05


def test_a_part_lies_within_the_picture(tmp_path):
    ramp = np.tile(np.linspace(20, 250, 300).astype(np.uint8)[None, :, None], (200, 1, 3))
    cv2.imwrite(str(tmp_path / 'ramp.png'), ramp)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        part = sample_background(rng, (60, 80), photos=str(tmp_path), photo_share=1.0)
        steps = np.diff(part.mean((0, 2)))
        # Rising or falling throughout: nothing beyond the edge was mirrored in.
        assert (steps > -1e-6).all() or (steps < 1e-6).all()


def test_a_set_with_photos_is_the_same_again(photos):
    config = SynthesisConfig(
        hands='single', image_size=(64, 48), views=1, turn_cameras=False, photos=str(photos),
        photo_share=1.0, occluder_prob=0.0,
    )  # fmt: skip
    one, two = (render_sample(3, 5, config) for _ in range(2))
    np.testing.assert_array_equal(one.image, two.image)
    assert SynthesisConfig(**config.to_dict()).photos == str(photos)


def test_bad_folders_and_files_are_named(photos):
    with pytest.raises(HandConfigError, match='is not a folder'):
        SynthesisConfig(photos=str(photos / 'absent'))
    (photos / 'empty').mkdir()
    with pytest.raises(HandConfigError, match='holds no picture'):
        SynthesisConfig(photos=str(photos / 'empty'))
    (photos / 'empty' / 'bad.jpg').write_bytes(b'no')
    list_photos.cache_clear()
    with pytest.raises(HandFileError, match=r'bad\.jpg cannot be read'):
        sample_background(
            np.random.default_rng(0), (9, 9), photos=str(photos / 'empty'), photo_share=1.0
        )
