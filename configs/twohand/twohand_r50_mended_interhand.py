# All of the release's known flaws mended (README): right flags on right joints, mano_valid follows its
# hand when a sample is mirrored, no pull on the left hand's rotation, statistics that stay.
_base_ = ['./twohand_r50_interhand.py']

model = dict(loss=dict(regularize_left_orient=False), frozen_bn=True)
train_pipeline = [
    dict(type='LoadHandImage'),
    dict(type='HandBBoxCrop', scale=1.25),
    dict(
        type='RandomHandAffine',
        shift=0.15,
        scale=0.25,
        rotate=45.0,
        rotate_prob=0.6,
        flip_prob=0.5,
    ),
    dict(type='HandTopdownAffine', input_size=(256, 256), swap_mano_valid=True),
    dict(type='HandColorJitter', gain=(0.8, 1.2)),
    dict(type='PackHandInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, valid_rule='twohand'))
val_dataloader = dict(dataset=dict(valid_rule='twohand'))
test_dataloader = dict(dataset=dict(valid_rule='twohand'))
