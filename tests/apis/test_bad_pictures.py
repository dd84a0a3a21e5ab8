"""What users hand to the command and to ``HandInferencer`` by mistake, and how it ends."""

import io
import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

import mmhand_cli
from mmhand.apis import HandInferencer, command
from mmhand.apis.picture_reading import read_picture
from mmhand.utils.errors import MMHandError

NOISE = np.random.RandomState(0).randint(0, 255, (40, 60, 3)).astype(np.uint8)


@pytest.fixture(scope='module')
def inferencer():
    return HandInferencer()


@pytest.fixture
def shared(inferencer, monkeypatch):
    """The command with a method that is built once, unless it is asked for another one."""

    def build(model, checkpoint, device, **options):
        plain = dict(detector=None, person=None, hand_model='OpenHand', engine='torch')
        if model is checkpoint is None and device == 'cpu' and options == plain:
            return inferencer
        return HandInferencer(model, checkpoint, device, **options)

    monkeypatch.setattr(command, 'HandInferencer', build)


def save(path, picture, **options):
    picture.save(path, **options)
    return str(path)


def written(path, data):
    path.write_bytes(data)
    return str(path)


def jpeg(picture=None, **options):
    file = io.BytesIO()
    (picture or Image.fromarray(NOISE)).save(file, 'JPEG', **options)
    return file.getvalue()


def huge_png(width=200_000, height=200_000):
    """A header that promises more pixels than any memory holds."""
    head = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    chunks = [(b'IHDR', head), (b'IDAT', zlib.compress(b'')), (b'IEND', b'')]
    body = b''.join(
        struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b'\x89PNG\r\n\x1a\n' + body


def animation(path, kind):
    frames = [Image.fromarray(np.roll(NOISE, 5 * step, 1)) for step in range(3)]
    frames[0].save(path, kind, save_all=True, append_images=frames[1:], duration=40)
    return str(path)


def folder(path):
    path.mkdir()
    return str(path)


def video(path, frames, codec='MJPG'):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 10, (60, 40))
    for _ in range(frames):
        writer.write(NOISE)
    writer.release()
    if not path.is_file():
        path.write_bytes(b'')
    return str(path)


def locked(tmp):
    """A folder that cannot be made: its parent is a file. (Root may write anywhere.)"""
    (tmp / 'file').write_bytes(b'x')
    return str(tmp / 'file' / 'out')


def person(path, **changes):
    arrays = dict(
        subjects=np.array(['me']),
        betas=np.zeros((1, 10), np.float32),
        hand_model=np.array('OpenHand'),
        counts=np.array([3]),
        about=np.array('test'),
    )
    np.savez(path, **{**arrays, **changes})
    return str(path)


GREY = Image.fromarray(np.full((40, 60), 128, np.uint8))
DEEP = Image.fromarray(np.full((40, 60), 30000, np.uint16))

#: Name: (arguments from a scratch folder, exit status, words of the last line).
COMMANDS = {
    'picture without a hand': (lambda t: [save(t / 'a.png', GREY)], 1, 'no hand was found'),
    'one pixel': (lambda t: [save(t / 'a.png', GREY.resize((1, 1)))], 1, 'no hand was found'),
    'one row': (lambda t: [save(t / 'a.png', GREY.resize((300, 1)))], 1, 'no hand was found'),
    '16 bit': (lambda t: [save(t / 'a.png', DEEP)], 1, 'no hand was found'),
    'floats': (lambda t: [save(t / 'a.tif', GREY.convert('F'))], 1, 'no hand was found'),
    'CMYK': (lambda t: [save(t / 'a.jpg', GREY.convert('CMYK'))], 1, 'no hand was found'),
    'grey with alpha': (lambda t: [save(t / 'a.png', GREY.convert('LA'))], 1, 'no hand was found'),
    'palette': (lambda t: [save(t / 'a.png', GREY.convert('P'))], 1, 'no hand was found'),
    'one bit': (lambda t: [save(t / 'a.png', GREY.convert('1'))], 1, 'no hand was found'),
    'animated gif': (lambda t: [animation(t / 'a.gif', 'GIF')], 1, 'no hand was found'),
    'animated webp': (lambda t: [animation(t / 'a.webp', 'WEBP')], 1, 'no hand was found'),
    'video without a hand': (lambda t: [video(t / 'a.avi', 2)], 1, 'no hand was found'),
    'two names, one broken': (
        lambda t: [save(t / 'a.png', GREY), written(t / 'b.png', b'')],
        1,
        'no hand was found',
    ),
    'absent': (lambda t: [str(t / 'a.jpg')], 2, 'a.jpg does not exist'),
    'empty file': (lambda t: [written(t / 'a.jpg', b'')], 2, 'cannot be read as a picture'),
    'text named jpg': (
        lambda t: [written(t / 'a.jpg', b'hello')],
        2,
        'cannot be read as a picture',
    ),
    'zip named png': (lambda t: [written(t / 'a.png', b'PK\3\4' * 9)], 2, 'cannot be read'),
    'truncated jpg': (lambda t: [written(t / 'a.jpg', jpeg()[:700])], 2, 'cut off'),
    'huge header': (lambda t: [written(t / 'a.png', huge_png())], 2, 'a.png'),
    'folder named jpg': (lambda t: [folder(t / 'a.jpg')], 2, 'holds no picture'),
    'empty folder': (lambda t: [folder(t / 'pictures')], 2, 'holds no picture'),
    'empty video': (lambda t: [written(t / 'a.mp4', b'')], 2, 'cannot be read as a video'),
    'text named mp4': (lambda t: [written(t / 'a.mp4', b'x' * 99)], 2, 'cannot be read as a video'),
    'video without frames': (lambda t: [video(t / 'a.avi', 0)], 2, 'cannot be read as a video'),
    'folder named mp4': (lambda t: [folder(t / 'a.mp4')], 2, 'a.mp4'),
    'no such camera': (lambda t: ['--camera', '97'], 2, 'camera 97 cannot be opened'),
    'camera below zero': (lambda t: ['--camera', '-1'], 2, 'numbered from 0'),
    'out folder below a file': (
        lambda t: [save(t / 'a.png', GREY), '--out-dir', locked(t)],
        2,
        'name another folder',
    ),
    'focal length zero': (lambda t: [save(t / 'a.png', GREY), '--focal', '0'], 2, 'positive'),
    'focal length not a number': (
        lambda t: [save(t / 'a.png', GREY), '--focal', 'nan'],
        2,
        'positive',
    ),
    'absent person': (
        lambda t: [save(t / 'a.png', GREY), '--person', str(t / 'me.npz')],
        2,
        'is no table of calibrated shapes',
    ),
    'picture as person': (
        lambda t: [save(t / 'a.png', GREY), '--person', save(t / 'me.png', GREY)],
        2,
        'is no table of calibrated shapes',
    ),
    'person of another model': (
        lambda t: [
            save(t / 'a.png', GREY),
            *('--person', person(t / 'me.npz', hand_model=np.array('MANO'))),
        ],
        2,
        'personalize with this hand model',
    ),
    'person that is not finite': (
        lambda t: [
            save(t / 'a.png', GREY),
            *('--person', person(t / 'me.npz', betas=np.full((1, 10), np.nan))),
        ],
        2,
        'not finite',
    ),
    'checkpoint for the open method': (
        lambda t: [save(t / 'a.png', GREY), '--checkpoint', str(t / 'a.pth')],
        2,
        'takes no checkpoint',
    ),
    'unknown model': (
        lambda t: [save(t / 'a.png', GREY), '--model', 'handnet_r50'],
        2,
        'does not exist',
    ),
    'MANO that is not there': (
        lambda t: [save(t / 'a.png', GREY), '--hand-model', 'MANO'],
        2,
        'MMHAND_MANO_ROOT',
    ),
    'no such device': (
        lambda t: [save(t / 'a.png', GREY), '--device', 'abacus'],
        2,
        'abacus',
    ),
    'port in no range': (lambda t: ['--serve', '70000'], 2, '--port'),
}


@pytest.mark.parametrize('name', COMMANDS)
def test_the_command_ends_in_one_line(name, shared, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('MMHAND_MANO_ROOT', raising=False)
    arguments, status, words = COMMANDS[name]
    with pytest.raises(SystemExit) as ended:
        mmhand_cli.main(arguments(tmp_path))
    said = capfd.readouterr().err
    assert ended.value.code == status, said
    last = [line for line in said.splitlines() if line.strip()][-1]
    assert words in last
    assert 'Traceback' not in said
    assert last.startswith('error: ') == (status == 2)
    assert len(COMMANDS) >= 25


K = [[100.0, 0, 30], [0, 100.0, 20], [0, 0, 1]]

#: Name: (keywords of a call on one picture of 60 x 40, words of the error).
CALLS = {
    'box outside': (dict(bboxes=[[100, 100, 20, 20]]), 'lies outside the picture'),
    'box without a size': (dict(bboxes=[[5, 5, 0, 20]]), 'positive size'),
    'box turned inside out': (dict(bboxes=[[5, 5, -9, 20]]), 'positive size'),
    'box that is not finite': (dict(bboxes=[[5, 5, np.nan, 20]]), 'positive size'),
    'box of three numbers': (dict(bboxes=[[5, 5, 9]]), 'no x, y, w, h'),
    'box of words': (dict(bboxes=['here']), 'no x, y, w, h'),
    'two boxes for one picture': (dict(bboxes=[[0, 0, 9, 9]] * 2), '2'),
    'camera of another shape': (dict(cameras=[np.eye(4)]), '(3, 3)'),
    'camera that is not finite': (dict(cameras=[np.full((3, 3), np.nan)]), 'finite'),
    'camera without a focal length': (dict(cameras=[np.zeros((3, 3))]), 'positive focal'),
    'two cameras for one picture': (dict(cameras=[K, K]), '2'),
    'unknown side': (dict(bboxes=[[5, 5, 20, 20]], sides=['both']), 'right or left'),
    'unknown kind of file': (dict(save=('stl',)), 'stl'),
}


@pytest.mark.parametrize('name', CALLS)
def test_a_call_says_what_is_wrong(name, inferencer):
    keywords, words = CALLS[name]
    with pytest.raises(MMHandError) as error:
        inferencer([NOISE], **keywords)
    assert words in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    'image',
    [NOISE.astype(np.float32), NOISE[..., :2], NOISE[None], np.zeros((0, 5, 3), np.uint8)],
    ids=['float', 'two channels', 'batch', 'empty'],
)
def test_an_array_that_is_no_picture_is_refused(image, inferencer):
    with pytest.raises(MMHandError, match='a picture is uint8'):
        inferencer([image])


@pytest.mark.parametrize('orientation', range(1, 9))
def test_pictures_are_turned_as_exif_says(orientation, tmp_path):
    """All eight orientations, of JPEG (read by OpenCV) and of grey with alpha (read by Pillow)."""
    corner = np.zeros((40, 60), np.uint8)
    corner[:20, :20] = 200
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}
    for name, mode in (('a.jpg', 'RGB'), ('b.png', 'LA')):
        path = save(tmp_path / name, Image.fromarray(corner).convert(mode), exif=exif)
        image = read_picture(path)
        assert image.shape == ((40, 60, 3) if orientation < 5 else (60, 40, 3))
        height, width = image.shape[:2]
        down, right = shown[orientation]
        rows = slice(height - 15, height) if down else slice(0, 15)
        columns = slice(width - 15, width) if right else slice(0, 15)
        assert image[rows, columns].mean() > 150
        assert image.mean() < 90


def test_a_folder_that_nobody_may_write_to(shared, tmp_path, capfd):
    if os.geteuid() == 0:
        pytest.skip('root may write anywhere')
    (tmp_path / 'out').mkdir(mode=0o500)
    with pytest.raises(SystemExit) as ended:
        mmhand_cli.main([save(tmp_path / 'a.png', GREY), '--out-dir', str(tmp_path / 'out')])
    assert ended.value.code == 2
    assert 'name another folder' in capfd.readouterr().err
