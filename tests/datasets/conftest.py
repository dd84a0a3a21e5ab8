"""A miniature InterHand2.6M, written by hand so that every number in it is known."""

import json

import cv2
import numpy as np
import pytest

SIZE = (96, 64)  # width, height

#: (id, capture, frame, camera, hand type); ids are not in order, as in the real files.
RECORDS = (
    (11, 0, 100, '400001', 'right'),
    (7, 0, 100, '410002', 'right'),
    (12, 0, 103, '400001', 'interacting'),
    (13, 0, 103, '410002', 'interacting'),
    (20, 1, 100, '400001', 'left'),
    (21, 1, 106, '400001', 'interacting'),
)


class MiniInterHand:
    """The set's content as JSON objects, and its folder.

    Tests change the objects and write again.
    """

    def __init__(self, root, split='train'):
        self.root, self.split = root, split
        rng = np.random.default_rng(5)
        turn = cv2.Rodrigues(np.array([0.1, -0.2, 0.05]))[0]
        self.camera = {
            str(capture): {
                'campos': {'400001': [10.0 * capture, 5, -20], '410002': [30, -10, 0]},
                'camrot': {'400001': turn.tolist(), '410002': turn.T.tolist()},
                'focal': {'400001': [200.0, 202.0], '410002': [190.0, 191.0]},
                'princpt': {'400001': [48.0, 31.0], '410002': [47.0, 33.0]},
            }
            for capture in (0, 1)
        }
        self.joints, self.mano = {}, {}
        self.data = {'images': [], 'annotations': []}
        for number, capture, frame, camera, kind in RECORDS:
            world = rng.normal((0, 0, 600), 40, (42, 3))
            self.joints.setdefault(str(capture), {}).setdefault(
                str(frame),
                {
                    'world_coord': world.tolist(),
                    'joint_valid': [[1]] * 42,
                    'hand_type': kind,
                    'hand_type_valid': True,
                },
            )
            hand = {
                'pose': rng.normal(0, 0.2, 48).tolist(),
                'shape': rng.normal(0, 1, 10).tolist(),
                'trans': [0.02, -0.01, 0.6],
            }
            self.mano.setdefault(str(capture), {}).setdefault(
                str(frame),
                {
                    'right': None if kind == 'left' else hand,
                    'left': None if kind == 'right' else hand,
                },
            )
            self.data['images'].append(
                {
                    'id': 1000 + number,
                    'file_name': f'Capture{capture}/seq/cam{camera}/image{frame}.jpg',
                    'width': SIZE[0],
                    'height': SIZE[1],
                    'capture': capture,
                    'subject': 3 + capture,
                    'seq_name': 'seq',
                    'camera': camera,
                    'frame_idx': frame,
                }
            )
            self.data['annotations'].append(
                {
                    'id': number,
                    'image_id': 1000 + number,
                    'bbox': [20.0, 10.0, 40.0, 30.0],
                    'joint_valid': [[1]] * 42,
                    'hand_type': kind,
                    'hand_type_valid': 1,
                }
            )

    @property
    def folder(self):
        return self.root / 'annotations' / self.split

    def path(self, what):
        return self.folder / f'InterHand2.6M_{self.split}_{what}.json'

    def image(self, index):
        return self.root / 'images' / self.split / self.data['images'][index]['file_name']

    def annotation(self, number):
        return next(ann for ann in self.data['annotations'] if ann['id'] == number)

    def write(self, mano=True, images=True):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.root / 'images' / self.split).mkdir(parents=True, exist_ok=True)
        self.path('data').write_text(json.dumps(self.data))
        self.path('camera').write_text(json.dumps(self.camera))
        self.path('joint_3d').write_text(json.dumps(self.joints))
        if mano:
            self.path('MANO_NeuralAnnot').write_text(json.dumps(self.mano))
        for index in range(len(self.data['images']) if images else 0):
            self.image(index).parent.mkdir(parents=True, exist_ok=True)
            picture = np.random.default_rng(index).integers(0, 256, (*SIZE[::-1], 3), np.uint8)
            cv2.imwrite(str(self.image(index)), cv2.GaussianBlur(picture, (0, 0), 3))
        return self


@pytest.fixture
def mini_interhand(tmp_path, monkeypatch):
    monkeypatch.delenv('MMHAND_CACHE', raising=False)
    return MiniInterHand(tmp_path / 'interhand').write()


@pytest.fixture(scope='session')
def real_interhand(realdata, tmp_path_factory):
    """Arguments for the four real frames of mmpose's test files."""
    return dict(
        data_root=str(realdata / 'interhand2.6m'),
        ann_file='test_interhand2.6m_data.json',
        camera_file='test_interhand2.6m_camera.json',
        joint_file='test_interhand2.6m_joint_3d.json',
        img_dir='.',
        cache_dir=str(tmp_path_factory.mktemp('cache')),
    )
