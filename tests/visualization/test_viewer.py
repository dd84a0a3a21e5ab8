import base64
import json
import re
import shutil
import subprocess

import cv2
import numpy as np
import pytest

from mmhand.utils.errors import HandDataError
from mmhand.visualization import viewer_html, write_viewer

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
FACES = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
RED, BLUE = (230, 20, 20), (0.1, 0.2, 0.9)


def tetrahedron(shift=0.0):
    corners = np.array([[-1, -1, 0], [1, -1, 0], [0, 1, 0], [0, 0, 1.5]]) * 0.05
    return (corners + [shift, 0, 0.5]).astype(np.float32)


def frame(shift=0.0, image=True):
    picture = np.full((60, 90, 3), 120, np.uint8)
    meshes = [
        ('hand 1', 'right', tetrahedron(shift - 0.07), FACES, RED),
        ('hand 2', 'left', tetrahedron(shift + 0.07), FACES, BLUE),
    ]
    return (
        dict(image=picture, overlay=picture // 2, meshes=meshes)
        if image
        else dict(image=None, overlay=None, meshes=meshes)
    )


def read(page, kind):
    pattern = rf'<script type="application/json" {kind}>(.*?)</script>'
    return [json.loads(text) for text in re.findall(pattern, page, re.S)]


def test_page_carries_the_meshes():
    page = viewer_html([frame(), frame(0.01)])
    faces, frames = read(page, 'class="faces"'), read(page, 'class="frame"')
    assert len(faces) == 1, 'both hands of both frames have the same faces'
    stored = np.frombuffer(base64.b64decode(faces[0]['data']), '<u2').reshape(-1, 3)
    np.testing.assert_array_equal(stored, FACES)
    hand = frames[1]['meshes'][1]
    assert (hand['name'], hand['side'], hand['color']) == ('hand 2', 'left', [26, 51, 230])
    packed = np.frombuffer(base64.b64decode(hand['vertices']), '<u2').reshape(-1, 3)
    vertices = np.array(hand['origin']) + hand['step'] * packed
    np.testing.assert_allclose(vertices, tetrahedron(0.08), atol=2e-6)
    data = base64.b64decode(frames[0]['overlay'].split(',')[1])
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (60, 90, 3)
    assert abs(int(picture[30, 45, 0]) - 60) < 3


def test_page_is_one_file():
    page = viewer_html([frame()])
    markup = re.sub(r'<script>.*?</script>', '', page, flags=re.S)
    links = re.findall(r'(?:src|href)=["\']?(\w+:?)', markup)
    assert set(links) == {'data:'}
    assert set(re.findall(r'https?://[\w./]+', page)) <= {'http://www.w3.org/1999/xhtml'}
    assert "default-src 'none'" in page
    assert 'Three.js Authors' in page


def test_text_is_escaped():
    bad = '</script><b onclick="x">&'
    one = frame()
    one['meshes'] = [(bad, bad, *mesh[2:]) for mesh in one['meshes']]
    page = viewer_html([one], title=bad, notes=[bad])
    assert '<b onclick' not in page
    assert read(page, 'class="frame"')[0]['meshes'][0]['name'] == bad


def test_large_pictures_are_shrunk_and_hidden_hands_left_out():
    one = frame()
    one['overlay'] = np.zeros((1000, 3000, 3), np.uint8)
    broken = tetrahedron()
    broken[0] = np.nan
    one['meshes'].append(('hand 3', 'left', broken, FACES, RED))
    shown = read(viewer_html([one], max_side=300), 'class="frame"')[0]
    assert len(shown['meshes']) == 2
    data = base64.b64decode(shown['overlay'].split(',')[1])
    assert cv2.imdecode(np.frombuffer(data, np.uint8), 1).shape == (100, 300, 3)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(image=np.zeros((4, 4), np.uint8)), 'image of frame 0'),
        (dict(meshes=[('h', 'left', np.zeros((3, 2)), FACES, RED)]), 'vertices'),
        (dict(meshes=[('h', 'left', np.zeros((3, 3)), FACES, RED)]), 'vertex 3'),
        (dict(meshes=[('h', 'left', np.zeros((4, 3)), FACES, (1, 2))]), 'colour'),
    ],
)
def test_bad_frames(change, message):
    with pytest.raises(HandDataError, match=message):
        viewer_html([{**frame(), **change}])


def test_interrupted_page_leaves_the_old_one(tmp_path):
    target = tmp_path / 'deep' / 'hands.html'
    assert write_viewer(target, iter([frame(), frame()])) == 2

    def stopping():
        yield frame()
        raise KeyboardInterrupt

    before = target.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write_viewer(target, stopping(), title='new')
    assert target.read_bytes() == before
    assert [entry.name for entry in target.parent.iterdir()] == ['hands.html']


def shoot(page, tmp_path, size, dark=False):
    """What a browser shows of a page, RGB."""
    file, picture = tmp_path / 'page.html', tmp_path / 'shot.png'
    file.write_text(page, encoding='utf-8')
    command = [
        *(CHROMIUM, '--headless=new', '--no-sandbox', '--use-angle=swiftshader'),
        *('--enable-unsafe-swiftshader', '--hide-scrollbars', '--disable-dev-shm-usage'),
        *(f'--user-data-dir={tmp_path / "profile"}', '--virtual-time-budget=5000'),
        f'--window-size={size[0]},{size[1]}',
        f'--blink-settings=preferredColorScheme={0 if dark else 1}',
    ]
    subprocess.run([*command, f'--screenshot={picture}', file.as_uri()], timeout=120, check=True)
    return cv2.imread(str(picture))[..., ::-1].astype(int)


def area(shot, strong, weak):
    """Pixels where one colour channel is far above another."""
    return int((shot[..., strong] > shot[..., weak] + 60).sum())


@pytest.mark.skipif(CHROMIUM is None, reason='needs Chromium')
@pytest.mark.parametrize(
    ('size', 'dark'), [((1200, 800), False), ((1200, 800), True), ((390, 844), False)]
)
def test_browser_draws_both_hands(tmp_path, size, dark):
    shot = shoot(viewer_html([frame()]), tmp_path, size, dark)
    assert shot.shape[:2] == (size[1], size[0])
    assert (shot[2, 2].mean() < 60) == dark
    assert min(area(shot, 0, 2), area(shot, 2, 0)) > 3000
    red = np.nonzero(shot[..., 0] > shot[..., 2] + 60)[1]
    blue = np.nonzero(shot[..., 2] > shot[..., 0] + 60)[1]
    assert red.mean() < blue.mean(), 'the first hand is left in the picture'
    assert max(red.max(), blue.max()) < size[0] - 5, 'and all of both is on the page'


@pytest.mark.skipif(CHROMIUM is None, reason='needs Chromium')
def test_browser_obeys(tmp_path):
    alone = [{**frame(shift), 'meshes': frame(shift)['meshes'][:1]} for shift in (0, 0.2)]
    page = viewer_html([frame(), *alone], fps=5)
    full = shoot(page, tmp_path, (1000, 800))
    act = """<script>const el = (id) => document.getElementById(id); const s = el('slider');
    s.value = 1; s.dispatchEvent(new Event('input')); el('wire').click(); el('swap').click();
    </script>"""
    moved = shoot(page + act, tmp_path, (1000, 800))
    assert 0 < area(moved, 0, 2) < area(full, 0, 2) / 4, 'a wireframe of one hand'
    grey = (abs(full[..., 0] - 60) < 4).sum(), (abs(moved[..., 0] - 120) < 4).sum()
    assert min(grey) > 20000, 'the overlay first, then the picture itself'
