# HUMBI as the identity-aware method uses it: split_5 (unseen subjects), the set's own crops of right
# hands as they are, colours changed before they are resized. The box serves one's own pictures only.
dataset_type = 'HUMBIDataset'
data_root = 'data/humbi'
setup = 'split_5'
input_size = (224, 224)

train_pipeline = dict(
    load=dict(type='LoadHandImage'),
    box=dict(type='HandBBoxCrop', scale=1.4),
    cut=dict(type='CutHandBox', mode='picture'),
    color=dict(type='HandPhotometricJitter'),
    warp=dict(type='ResizeHandCrop', input_size=input_size),
    pack=dict(type='PackHandInputs'),
)
test_pipeline = dict(
    load=dict(type='LoadHandImage'),
    box=dict(type='HandBBoxCrop', scale=1.4),
    cut=dict(type='CutHandBox', mode='picture'),
    warp=dict(type='ResizeHandCrop', input_size=input_size),
    pack=dict(type='PackHandInputs'),
)

train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        setup=setup,
        split='train',
        with_vertices=True,
        pipeline=train_pipeline,
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
        setup=setup,
        split='test',
        with_vertices=True,
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
val_dataloader = test_dataloader

# The release averages the means of batches; "iahm" is the same over samples.
test_evaluator = [
    dict(type='HandPoseMetric', protocol='iahm_release'),
    dict(type='HandPoseMetric', protocol='iahm'),
    dict(type='HandShapeMetric'),
]
val_evaluator = test_evaluator
