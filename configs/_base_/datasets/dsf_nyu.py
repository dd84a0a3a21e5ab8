# Depth crops of NYU without labels for the network, and rendered hands (docs/en/depth.md).
dataset_type = 'NYUDataset'
data_root = 'data/nyu/'
dataset = dict(
    type=dataset_type,
    data_root=data_root,
    view=0,
)

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
    dataset=dict(split='train', pipeline=train_pipeline, **dataset),
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
synthetic_renderer = dict(type='DepthHandSampler', camera='nyu', base_cube=0.25, turn=None)

val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(split='test', pipeline=test_pipeline, **dataset),
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='HandPoseMetric', protocol='nyu'),
    dict(type='HandPoseMetric', protocol='nyu_dsf'),
]
test_evaluator = val_evaluator
