# FreiHAND v2 for networks of one hand that learn hand parameters: crops of HandOccNet about the joints'
# box; at evaluation, whose joints are not known, about the picture's centre, FreiHAND's own framing.
dataset_type = 'FreiHANDDataset'
data_root = 'data/FreiHAND'
input_size = (256, 256)

train_pipeline = dict(
    load=dict(type='LoadHandImage'),
    box=dict(type='HandOccNetBBoxCrop', enlarge=1.5, factor=1.0),
    affine=dict(
        type='RandomHandAffine',
        shift=0.0,
        scale=0.25,
        rotate=30.0,
        rotate_prob=0.6,
        flip_prob=0.0,
    ),
    warp=dict(type='HandTopdownAffine', input_size=input_size),
    color=dict(type='HandColorJitter', gain=(0.8, 1.2)),
    pack=dict(type='PackHandInputs'),
)
test_pipeline = dict(
    load=dict(type='LoadHandImage', to_float32=True),
    box=dict(type='CMRCrop', mode='center', input_size=256, central=160.0),
    warp=dict(type='HandTopdownAffine', input_size=input_size),
    pack=dict(type='PackHandInputs'),
)

train_dataloader = dict(
    batch_size=16,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type=dataset_type, data_root=data_root, split='training', pipeline=train_pipeline),
)
test_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='evaluation',
        with_vertices=True,
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
val_dataloader = test_dataloader

# submission='pred.zip' also writes what FreiHAND's server takes.
test_evaluator = dict(type='FreiHANDMetric', protocol='freihand')
val_evaluator = test_evaluator
