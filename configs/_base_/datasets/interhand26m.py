# InterHand2.6M in its released layout (v1.0, 5 fps), pictures cropped to 256 x 256.
dataset_type = 'InterHand26MDataset'
data_root = 'data/interhand2.6m'
input_size = (256, 256)

train_pipeline = dict(
    load=dict(type='LoadHandImage'),
    box=dict(type='HandBBoxCrop', scale=1.25),
    affine=dict(
        type='RandomHandAffine',
        shift=0.15,
        scale=0.25,
        rotate=45.0,
        rotate_prob=0.6,
        flip_prob=0.5,
    ),
    warp=dict(type='HandTopdownAffine', input_size=input_size),
    color=dict(type='HandColorJitter', gain=(0.8, 1.2)),
    pack=dict(type='PackHandInputs'),
)
test_pipeline = dict(
    load=dict(type='LoadHandImage'),
    box=dict(type='HandBBoxCrop', scale=1.25),
    warp=dict(type='HandTopdownAffine', input_size=input_size),
    pack=dict(type='PackHandInputs'),
)

train_dataloader = dict(
    batch_size=16,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='train',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='val',
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='test',
        pipeline=test_pipeline,
        test_mode=True,
    ),
)

val_evaluator = dict(type='InterHandMetric', protocol='internet')
test_evaluator = val_evaluator
