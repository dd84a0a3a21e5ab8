"""Frames out of pictures of every kind, folders, videos."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from mmhand.apis.picture_reading import MAX_PIXELS, read_picture
from mmhand.apis.sinks.video_writer import VideoWriter
from mmhand.apis.sources import PictureSource, VideoSource, open_source
from mmhand.utils.errors import HandFileError


def gradient(height=40, width=60):
    """Red grows to the right, green downwards."""
    y, x = np.mgrid[:height, :width]
    return np.stack((255 * x // width, 255 * y // height, np.full_like(x, 30)), -1).astype(np.uint8)


@pytest.mark.parametrize('mode', ['RGB', 'RGBA', 'P', 'CMYK', 'L', 'LA', '1'])
def test_every_mode_becomes_bgr(tmp_path, mode):
    path = tmp_path / ('x.tif' if mode == 'CMYK' else 'x.png')
    Image.fromarray(gradient()).convert(mode).save(path)
    image = read_picture(path)
    assert image.shape == (40, 60, 3)
    assert image.dtype == np.uint8
    if mode in ('RGB', 'RGBA', 'CMYK'):
        assert np.abs(image[..., ::-1].astype(int) - gradient()).mean() < 4


def test_deep_transparent_and_animated_pictures(tmp_path):
    deep = (np.arange(600, dtype=np.uint16).reshape(20, 30) * 109).astype(np.uint16)
    cv2.imwrite(str(tmp_path / 'deep.png'), deep)
    np.testing.assert_allclose(read_picture(tmp_path / 'deep.png')[..., 0], deep / 257, atol=1)
    Image.new('RGBA', (8, 8), (0, 0, 0, 0)).save(tmp_path / 'clear.png')
    assert (read_picture(tmp_path / 'clear.png') == 255).all()
    frames = [Image.new('RGB', (9, 7), colour) for colour in ('red', 'blue')]
    frames[0].save(tmp_path / 'moving.gif', save_all=True, append_images=frames[1:])
    assert read_picture(tmp_path / 'moving.gif')[0, 0].tolist() == [0, 0, 254] or (
        read_picture(tmp_path / 'moving.gif')[0, 0, 2] > 250
    )
    Image.new('RGB', (1, 1), 'white').save(tmp_path / 'dot.png')
    assert read_picture(tmp_path / 'dot.png').shape == (1, 1, 3)


@pytest.mark.parametrize('mode', ['RGB', 'RGBA'])
def test_orientation_is_honoured(tmp_path, mode):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    path = tmp_path / ('x.jpg' if mode == 'RGB' else 'x.png')
    Image.fromarray(gradient()).convert(mode).save(path, exif=exif)
    image = read_picture(path)
    assert image.shape == (60, 40, 3)
    # Red grew to the right, so it grows downwards now.
    assert image[-5, 20, 2] > image[5, 20, 2] + 100


def huge_png(path):
    def chunk(kind, data):
        body = kind + data
        return struct.pack('>I', len(data)) + body + struct.pack('>I', zlib.crc32(body))

    header = struct.pack('>IIBBBBB', 20000, 20000, 8, 2, 0, 0, 0)
    data = chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(b'')) + chunk(b'IEND', b'')
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + data)


def test_broken_pictures_are_told_in_one_line(tmp_path):
    good = cv2.imencode('.jpg', np.random.default_rng(0).integers(0, 255, (90, 90, 3)))[1].tobytes()
    png = cv2.imencode('.png', gradient())[1].tobytes()
    huge_png(tmp_path / 'huge.png')
    files = {
        'empty.jpg': b'',
        'text.jpg': b'no picture',
        'cut.jpg': good[: len(good) // 2],
        'cut.png': png[: len(png) // 2],
        'head.png': png[:20],
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / 'folder.jpg').mkdir()
    for name in (*files, 'huge.png', 'folder.jpg', 'absent.jpg'):
        with pytest.raises(HandFileError) as error:
            read_picture(tmp_path / name)
        assert name in str(error.value)
        assert '\n' not in str(error.value)
    assert MAX_PIXELS < 20000 * 20000


def test_broken_pictures_can_be_left_out(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), gradient())
    (tmp_path / 'b.png').write_bytes(b'')
    source = open_source(tmp_path, skip_broken=True)
    assert [(frame.number, frame.time) for frame in source] == [(0, None)]
    assert 'b.png' in source.broken[0]
    with pytest.raises(HandFileError, match=r'b\.png'):
        list(PictureSource(tmp_path))


def test_a_video_comes_back_frame_by_frame(tmp_path):
    writer = VideoWriter(tmp_path / 'x.mp4', 10.0)
    for number in range(7):
        writer.add(np.full((48, 65, 3), (30 * number, 0, 255 - 30 * number), np.uint8))
    assert not (tmp_path / 'x.mp4').exists()
    writer.close()
    source = open_source(tmp_path / 'x.mp4')
    assert isinstance(source, VideoSource)
    frames = list(source)
    assert [frame.number for frame in frames] == list(range(7))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(7) / 10, atol=0.02)
    assert frames[0].image.shape == (48, 64, 3)
    reds = [int(frame.image[..., 2].mean()) for frame in frames]
    assert reds == sorted(reds)
    assert reds[-1] > reds[0] + 120
    writer = VideoWriter(tmp_path / 'y.mp4', 10.0)
    writer.add(gradient())
    writer.close(good=False)
    assert {path.name for path in tmp_path.iterdir()} == {'x.mp4'}


@pytest.mark.parametrize(
    'content', [b'', b'no video at all', b'\x00\x00\x00\x18ftypmp42' + bytes(40)]
)
def test_videos_without_frames_are_told_in_one_line(tmp_path, content):
    path = tmp_path / 'x.mp4'
    path.write_bytes(content)
    with pytest.raises(HandFileError, match=r'x\.mp4') as error:
        list(open_source(path))
    assert '\n' not in str(error.value)


def test_a_camera_that_is_absent():
    with pytest.raises(HandFileError, match='camera 97'):
        open_source(97)
