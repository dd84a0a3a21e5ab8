"""MANO from files and arrays: golden numbers, sides, presets, options."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmhand.hand_models import MANO, TIP_PRESETS, synthetic_mano
from mmhand.hand_models.rotations import mirror_axis_angle
from mmhand.registry import MODELS
from mmhand.structures.joint_sets import convert_joints
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError


def draw(batch=2, seed=0):
    g = torch.Generator().manual_seed(seed)
    return tuple(
        s * torch.randn(batch, n, generator=g) for n, s in ((3, 1.0), (45, 0.4), (10, 1.0))
    )


class TestGolden:
    """Golden numbers of posed hands, read from pickles in the official form."""

    @pytest.fixture(scope='class')
    def folder(self, tmp_path_factory, recipe, pickles):
        root = tmp_path_factory.mktemp('golden')
        for side in ('right', 'left'):
            pickles.write_official(root / f'MANO_{side.upper()}.pkl', recipe.synthetic_mano(side))
        return root

    @pytest.mark.parametrize('side', ['right', 'left'])
    def test_vertices_joints_and_rest_joints(self, repo, recipe, folder, side):
        golden = json.loads((repo / 'tests/data/twohand_golden.json').read_text())['E_mano_mm']
        pose, betas = (torch.from_numpy(x) for x in recipe.mano_inputs())
        hand = MANO(folder, side=side, tip_preset='twohand')
        out = hand(pose[:, :3], pose[:, 3:], betas)
        got = {
            'verts3d': out.vertices,
            'joints3d': convert_joints(out.joints, 'canonical', 'mano21'),
            'T_pose': out.rest_joints,
        }
        for name, value in got.items():
            want, value = golden[side[0]][name], 1000 * value.numpy()
            assert np.abs(value).mean() == pytest.approx(want['abs_mean'], abs=5e-4)
            np.testing.assert_allclose(value[1, 4], want['row_1_4'], atol=5e-4)
            np.testing.assert_allclose(value[-1, -1], want['last'], atol=5e-4)

    def test_left_rest_joint_is_the_mirror_image(self, recipe, folder):
        betas = torch.from_numpy(recipe.mano_inputs()[1]).float()
        zero = torch.zeros(2, 45)
        right, left = (
            MANO(folder, side=side)(zero[:, :3], zero, betas).rest_joints
            for side in ('right', 'left')
        )
        torch.testing.assert_close(left * torch.tensor([-1.0, 1, 1]), right, atol=1e-7, rtol=0)


class TestSides:
    @pytest.mark.parametrize('flat', [False, True])
    def test_mirrored_pose_gives_the_mirrored_hand(self, mano_root, flat):
        options = {'flat_hand_mean': flat, 'tip_preset': 'twohand'}
        right, left = (MANO(mano_root, side=s, **options) for s in ('right', 'left'))
        orient, pose, betas = draw()
        a = right(orient, pose, betas)
        b = left(mirror_axis_angle(orient), mirror_axis_angle(pose), betas)
        flip = torch.tensor([-1.0, 1, 1])
        torch.testing.assert_close(b.vertices * flip, a.vertices, atol=1e-6, rtol=0)
        torch.testing.assert_close(b.joints * flip, a.joints, atol=1e-6, rtol=0)

    def test_shapedirs_options(self, mano_root):
        kept = MANO(mano_root, side='left', fix_shapedirs=False).shapedirs
        for fix in (True, 'auto'):
            mended = MANO(mano_root, side='left', fix_shapedirs=fix).shapedirs
            torch.testing.assert_close(mended[:, 0], -kept[:, 0])
            torch.testing.assert_close(mended[:, 1:], kept[:, 1:])
        right = [MANO(mano_root, fix_shapedirs=f).shapedirs for f in (True, False, 'auto')]
        assert all(torch.equal(r, right[0]) for r in right)

    def test_auto_leaves_a_mended_file_alone(self, tmp_path, pickles):
        left = synthetic_mano('left')
        left['shapedirs'] = left['shapedirs'] * np.array([-1.0, 1, 1])[:, None]
        pickles.write_official(tmp_path / 'MANO_RIGHT.pkl', synthetic_mano('right'))
        pickles.write_official(tmp_path / 'MANO_LEFT.pkl', left)
        got = MANO(tmp_path, side='left').shapedirs
        np.testing.assert_allclose(got, left['shapedirs'], atol=1e-8)

    def test_auto_without_the_right_file_mends(self, tmp_path, pickles):
        left = synthetic_mano('left')
        pickles.write_official(tmp_path / 'MANO_LEFT.pkl', left)
        got = MANO(tmp_path / 'MANO_LEFT.pkl', side='left').shapedirs
        np.testing.assert_allclose(got[:, 0], -left['shapedirs'][:, 0], atol=1e-8)

    def test_auto_compares_with_arrays_given_along(self):
        left = synthetic_mano('left')
        mended = left['shapedirs'] * np.array([-1.0, 1, 1])[:, None]
        right = synthetic_mano('right')['shapedirs']
        data = {**left, 'shapedirs': mended, 'right_shapedirs': right}
        np.testing.assert_allclose(MANO(data=data, side='left').shapedirs, mended, atol=1e-8)
        data['right_shapedirs'] = right[..., :5]
        np.testing.assert_allclose(MANO(data=data, side='left').shapedirs, mended, atol=1e-8)


class TestPresets:
    @pytest.mark.parametrize('preset', TIP_PRESETS)
    @pytest.mark.parametrize('side', ['right', 'left'])
    def test_tips_are_the_presets_vertices(self, preset, side):
        hand = MANO(data=synthetic_mano(side), side=side, tip_preset=preset)
        out = hand(*draw())
        for finger, vertex in enumerate(TIP_PRESETS[preset][side == 'left']):
            torch.testing.assert_close(out.joints[:, 4 + 4 * finger], out.vertices[:, vertex])

    def test_values_that_the_specifications_state(self):
        assert TIP_PRESETS['manopth'][0] == (745, 317, 444, 556, 673)
        assert TIP_PRESETS['manopth'][1][2] == 445
        assert TIP_PRESETS['twohand'][1][2] == 444
        assert TIP_PRESETS['interhand'][0][2] == 445
        assert TIP_PRESETS['smplx'][0] == (744, 320, 443, 554, 671)
        assert TIP_PRESETS['freihand'][0] == (744, 320, 443, 555, 672)
        assert TIP_PRESETS['ho3d'][0] == TIP_PRESETS['dsf'][0] == (744, 333, 444, 555, 672)
        assert TIP_PRESETS['ho3d_2020'][0] == (728, 353, 442, 576, 694)

    def test_own_vertices_and_unknown_name(self):
        assert MANO(data=synthetic_mano(), tip_preset=[1, 2, 3, 4, 5]).tip_vertex_ids == (
            1,
            2,
            3,
            4,
            5,
        )
        with pytest.raises(HandConfigError, match='unknown tip preset "mano"; known: manopth'):
            MANO(data=synthetic_mano(), tip_preset='mano')


class TestConstruction:
    def test_from_the_registry_and_the_environment(self, mano_root, monkeypatch):
        monkeypatch.setenv('MMHAND_MANO_ROOT', str(mano_root))
        hand = MODELS.build({'type': 'MANO', 'side': 'left', 'num_pca': 12, 'dtype': 'float64'})
        assert (hand.side, hand.num_pca, hand.v_template.dtype) == ('left', 12, torch.float64)
        assert MODELS.build({'type': 'mmhand.MANO'}).side == 'right'

    def test_base_configs(self, repo, mano_root, monkeypatch):
        monkeypatch.setenv('MMHAND_MANO_ROOT', str(mano_root))
        folder = repo / 'configs' / '_base_' / 'hand_models'
        for file, name in (('mano.py', 'MANO'), ('open_hand.py', 'OpenHand')):
            config = Config.fromfile(folder / file)
            assert type(MODELS.build(config.hand_model)).__name__ == name

    def test_root_above_the_models_folder(self, mano_root):
        assert MANO(mano_root.parent).num_verts == 778

    def test_no_path_at_all(self, monkeypatch):
        monkeypatch.delenv('MMHAND_MANO_ROOT', raising=False)
        with pytest.raises(HandFileError, match='MMHAND_MANO_ROOT.*OpenHand'):
            MANO()

    @pytest.mark.parametrize(
        ('kwargs', 'message'),
        [
            ({'side': 'up'}, 'side must be'),
            ({'fix_shapedirs': 'maybe'}, 'fix_shapedirs must be'),
            ({'dtype': 'int64'}, 'dtype must be'),
            ({'dtype': 'float'}, None),
            ({'dtype': 'zeros'}, 'dtype must be'),
        ],
    )
    def test_bad_options(self, kwargs, message):
        if message is None:
            assert MANO(data=synthetic_mano(), **kwargs).v_template.dtype == torch.float32
            return
        with pytest.raises(HandConfigError, match=message):
            MANO(data=synthetic_mano(), **kwargs)

    def test_data_states_the_other_side(self):
        with pytest.raises(HandDataError, match='holds the left hand'):
            MANO(data={**synthetic_mano('left'), 'side': 'left'})

    def test_topology_that_makes_no_surface_still_works(self, recipe):
        hand = MANO(data=recipe.synthetic_mano('right'))
        assert hand.wrist_ring.dtype == torch.int64
        assert hand(*draw()).vertices.isfinite().all()


class TestSyntheticMano:
    def test_is_deterministic_and_seeded(self):
        a, b, c = synthetic_mano(), synthetic_mano(), synthetic_mano(seed=1)
        assert all(np.array_equal(a[k], b[k]) for k in a)
        assert not np.array_equal(a['shapedirs'], c['shapedirs'])

    def test_joints_and_tips_are_where_a_hand_has_them(self):
        hand = MANO(data=synthetic_mano(), flat_hand_mean=True)
        zero = torch.zeros(1, 45)
        joints = hand(zero[:, :3], zero, zero[:, :10]).joints[0]
        np.testing.assert_allclose(
            synthetic_mano()['J_regressor'] @ synthetic_mano()['v_template'],
            synthetic_mano()['J'],
            atol=1e-12,
        )
        for finger in range(5):
            chain = joints[[0, *range(1 + 4 * finger, 5 + 4 * finger)]]
            reach = (chain - chain[0]).norm(dim=-1)
            assert (reach.diff() > 0.01).all()

    def test_unknown_side(self):
        with pytest.raises(HandConfigError, match='side must be'):
            synthetic_mano('middle')
