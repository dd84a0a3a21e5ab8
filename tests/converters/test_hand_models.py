"""Which conversions carry the hand model that the authors trained with."""

import pytest
import torch

from mmhand.converters import METHODS, merge_files

#: Networks of joints, maps or pictures, which hold no angles, shapes or vertices of a hand model.
WITHOUT = {
    *('cmr_pose2d', 'dsf_cyclegan', 'internet', 'mit'),
    *('hdr_discriminator', 'hdr_hasm', 'hdr_hdrm', 'hdr_shpe'),
}


@pytest.mark.parametrize('name', sorted(METHODS))
def test_every_method_says_its_hand(name):
    assert METHODS[name].trained_hands() == ([] if name in WITHOUT else ['MANO'])


def test_merged_files_keep_it(tmp_path):
    for name, meta in (('a', {'hand_models': ['MANO']}), ('b', {})):
        torch.save({'meta': meta, 'state_dict': {'w': torch.ones(1)}}, tmp_path / f'{name}.pth')
    merge_files([f'{n}={tmp_path / n}.pth' for n in 'ab'], tmp_path / 'c.pth')
    assert torch.load(tmp_path / 'c.pth')['meta']['hand_models'] == ['MANO']
