# Reduced for minutes on one core, on people of tools/synthesis/make_dataset.py: the table of
# docs/en/methods/iahm.md. The open hand network does not learn, so that tools/iahm/identity_table.py
# runs it once over each picture. All pictures are cut alike: the size of a hand shows as far as its
# distance is known.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/iahm_blaze.py',
    '../_base_/datasets/freihand.py',
    '../_base_/schedules/mesh_cpu.py',
]

crop = dict(type='CMRCrop', mode='center', input_size=224)
train_pipeline = dict(
    _delete_=True,
    load=dict(type='LoadHandImage'),
    box=crop,
    affine=dict(
        type='RandomHandAffine', shift=0.04, scale=0.0, rotate=12, rotate_prob=0.8, flip_prob=0.0
    ),
    warp=dict(type='HandTopdownAffine', input_size=(224, 224)),
    color=dict(type='HandColorJitter', gain=(0.8, 1.2)),
    pack=dict(type='PackHandInputs'),
)
test_pipeline = dict(
    _delete_=True,
    load=dict(type='LoadHandImage'),
    box=crop,
    warp=dict(type='HandTopdownAffine', input_size=(224, 224)),
    pack=dict(type='PackHandInputs'),
)
loader = dict(batch_size=64, num_workers=0, persistent_workers=False, pin_memory=False)
train_dataloader = dict(
    dataset=dict(
        data_root='data/iahm/people',
        with_vertices=False,
        subset=dict(subjects=[f'training-{person}' for person in range(100)]),
        pipeline=train_pipeline,
    ),
    **loader,
)
test_dataloader = dict(
    dataset=dict(data_root='data/iahm/held_out', with_vertices=False, pipeline=test_pipeline),
    **loader,
)
val_dataloader = test_dataloader
test_evaluator = [
    dict(type='HandPoseMetric', protocol='iahm'),
    dict(type='HandShapeMetric', hand_model=dict(type='OpenHand')),
]
val_evaluator = test_evaluator
auto_scale_lr = dict(base_batch_size=64)
