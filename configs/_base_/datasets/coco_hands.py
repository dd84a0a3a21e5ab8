# Hands annotated in 2D, in COCO's layout: pictures, boxes and joints, nothing in 3D. The configs beside
# this one name their sets; docs/en/own_data.md says how one's own pictures become one.
dataset_type = 'CocoHandDataset'
data_root = 'data/hands2d'
input_size = (256, 256)
# A key of mmhand.evaluation.keypoint_protocols.
protocol = 'onehand10k'

train_pipeline = dict(
    load=dict(type='LoadHandImage'),
    box=dict(type='HandBBoxCrop', scale=1.5),
    affine=dict(
        type='RandomHandAffine',
        shift=0.1,
        scale=0.25,
        rotate=30.0,
        rotate_prob=0.6,
        flip_prob=0.0,
    ),
    mirror=dict(type='MirrorLeftHand'),
    warp=dict(type='HandTopdownAffine', input_size=input_size),
    color=dict(type='HandColorJitter', gain=(0.8, 1.2)),
    pack=dict(type='PackHandInputs'),
)
test_pipeline = dict(
    load=dict(type='LoadHandImage'),
    box=dict(type='HandBBoxCrop', scale=1.5),
    mirror=dict(type='MirrorLeftHand'),
    warp=dict(type='HandTopdownAffine', input_size=input_size),
    pack=dict(type='PackHandInputs'),
)

train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type=dataset_type, data_root=data_root, split='train', pipeline=train_pipeline),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type, data_root=data_root, split='test', pipeline=test_pipeline, test_mode=True
    ),
)
val_dataloader = test_dataloader
test_evaluator = dict(type='HandKeypoint2DMetric', protocol=protocol)
val_evaluator = test_evaluator
