"""The list of fields that hands may have."""

import pytest
import torch

from mmhand.structures import HandInstances
from mmhand.utils.errors import HandDataError


def hands(**fields):
    return HandInstances(side=torch.tensor([0, 1]), **fields)


def test_listed_fields_pass():
    hands(
        keypoints_3d=torch.zeros(2, 21, 3),
        present=torch.ones(2, dtype=torch.bool),
        visible_mask=torch.zeros(2, 8, 9, dtype=torch.uint8),
        betas=torch.zeros(2, 10),
    ).check()


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        (dict(keypoints_cam=torch.zeros(2, 21, 3)), 'field "keypoints_cam"'),
        (dict(keypoints_3d=torch.zeros(2, 21, 2)), r'is \(2, 21, 2\), not \(N, J, 3\)'),
        (dict(root=torch.zeros(2)), r'not \(N, 3\)'),
        (dict(visible_mask=torch.zeros(2, 8, 8)), 'float32, not uint8'),
        (dict(present=torch.ones(2)), 'not bool'),
        (dict(betas=[1, 2]), 'list, not a tensor'),
    ],
)
def test_others_are_refused(fields, message):
    with pytest.raises(HandDataError, match=message):
        hands(**fields).check()


def test_the_docstring_lists_every_field():
    for name, field in HandInstances.FIELDS.items():
        assert f'``{name}``' in HandInstances.__doc__
        assert field.meaning in HandInstances.__doc__
