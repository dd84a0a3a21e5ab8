# What the depth benchmarks share: sensor crops without labels for the network, and rendered hands
# (docs/en/depth.md). dsf_nyu.py, dsf_icvl.py and dsf_msra.py name set, camera, cube and protocols.
train_pipeline = dict(
    load=dict(type='LoadDepthImage'),
    # Before the crop is normalised: one of turn, shift, scale and nothing.
    augment=dict(type='CubeAugment'),
    crop=dict(type='CubeCrop'),
    pack=dict(type='PackHandInputs'),
)
test_pipeline = dict(
    load=dict(type='LoadDepthImage'),
    crop=dict(type='CubeCrop'),
    pack=dict(type='PackHandInputs'),
)

train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    # Order and augmentation of a resumed run are those of one that was never cut short.
    sampler=dict(type='SeededSampler', shuffle=True),
    dataset=dict(split='train', pipeline=train_pipeline),
)
# The model's own hand, and where its parameters come from: bank='FOLDER' (text files of the release or
# NYU fits), fits='FILE.npz', or poses drawn here.
synthetic_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='SeededSampler', shuffle=True),
    dataset=dict(
        type='HandParameterBank',
        num=100000,
        hand_model=dict(type='MANO', side='right', tip_preset='dsf'),
    ),
)
# The hand is the model's own, and views turn in fine-tuning only.
synthetic_renderer = dict(type='DepthHandSampler', turn=None)

val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(split='test', pipeline=test_pipeline),
)
test_dataloader = val_dataloader
