# InterHand2.6M's interacting frames with masks of both hands, for HASM. Synthetic sets come with
# masks; for the real one tools/dataset_converters/interhand_masks.py renders the fitted hands.
_base_ = ['./interhand26m.py']

crop_size = 256
# The pipeline's own first crop: the box around both hands, squared and doubled.
test_pipeline = dict(
    masks=dict(_before_='box', type='LoadHandMasks'),
    box=dict(scale=2.0),
    warp=dict(input_size=crop_size),
)
train_pipeline = dict(
    **test_pipeline,
    affine=None,
    color=None,
    augment=dict(
        _before_='pack',
        type='AmodalSegAugment',
        size=crop_size,
        ratio=(0.5, 2.0),
        cat_max_ratio=0.75,
    ),
)

# Predicted and annotated masks are compared as classes, 0 and 1, as the head of mmsegmentation takes
# them in training from the augmentation.
val_pipeline = dict(**test_pipeline, pack=dict(labels=True))

two_hands = dict(hand_type='interacting')
train_dataloader = dict(
    batch_size=48,
    num_workers=4,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(subset=two_hands, pipeline=train_pipeline),
)
val_dataloader = dict(batch_size=48, dataset=dict(subset=two_hands, pipeline=val_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(_delete_=True, type='AmodalIoUMetric')
test_evaluator = val_evaluator
