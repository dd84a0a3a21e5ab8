# What the identity-aware method's sets share: a square crop of twice the box of the joints, colours
# changed before it is resized, RGB (x / 255 - 0.5) / 0.5 by the model's preprocessor.
# dexycb_s1_right.py and humbi.py name the set.
input_size = (224, 224)

train_pipeline = dict(
    load=dict(type='LoadHandImage'),
    box=dict(type='HandBBoxCrop', scale=2.0),
    cut=dict(type='CutHandBox'),
    color=dict(type='HandPhotometricJitter'),
    warp=dict(type='ResizeHandCrop', input_size=input_size),
    pack=dict(type='PackHandInputs'),
)
test_pipeline = dict(
    load=dict(type='LoadHandImage'),
    box=dict(type='HandBBoxCrop', scale=2.0),
    cut=dict(type='CutHandBox'),
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
    dataset=dict(split='train', pipeline=train_pipeline),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(split='test', with_vertices=True, pipeline=test_pipeline, test_mode=True),
)
val_dataloader = test_dataloader

# The release averages the means of batches; "iahm" is the same over samples.
test_evaluator = [
    dict(type='HandPoseMetric', protocol='iahm_release'),
    dict(type='HandPoseMetric', protocol='iahm'),
    dict(type='HandShapeMetric'),
]
val_evaluator = test_evaluator
