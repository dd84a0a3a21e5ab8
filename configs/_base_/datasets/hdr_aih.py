# AIH in its released layout: pastes of single hands and rendered pairs of hands.
dataset_type = 'AIHDataset'
data_root = 'data/AIH_dataset'

train_pipeline = dict(
    load=dict(type='LoadAIHSample', gain=(0.8, 1.2)),
    color=dict(type='AIHColorJitter'),
    pack=dict(type='PackDeocclusionInputs'),
)
test_pipeline = dict(
    load=dict(type='LoadAIHSample'),
    pack=dict(type='PackDeocclusionInputs', with_pictures=True),
)

train_dataloader = dict(
    batch_size=48,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type=dataset_type, data_root=data_root, split='train', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=40,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='val',
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
# The release reads no rendered pictures for testing; its test pastes are.
test_dataloader = dict(
    batch_size=40,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='test',
        pipeline=test_pipeline,
        test_mode=True,
    ),
)

val_evaluator = dict(type='HoleQualityMetric')
test_evaluator = val_evaluator
