# One hand of an InterHand2.6M frame, cut out with a box of twice its size as HDR's pipeline does;
# left hands are mirrored, so that the network sees right hands only.
_base_ = ['./interhand26m.py']

crop_size = 256
train_pipeline = [
    dict(type='LoadHandImage'),
    dict(type='SelectHand', side='random'),
    dict(type='HandBBoxCrop', scale=2.0),
    dict(
        type='RandomHandAffine',
        shift=0.15,
        scale=0.25,
        rotate=45.0,
        rotate_prob=0.6,
        flip_prob=0.0,
    ),
    dict(type='MirrorLeftHand'),
    dict(type='HandTopdownAffine', input_size=crop_size),
    dict(type='HandColorJitter', gain=(0.8, 1.2)),
    dict(type='PackHandInputs'),
]
test_pipeline = [
    dict(type='LoadHandImage'),
    dict(type='SelectHand', side='right'),
    dict(type='HandBBoxCrop', scale=2.0),
    dict(type='MirrorLeftHand'),
    dict(type='HandTopdownAffine', input_size=crop_size),
    dict(type='PackHandInputs'),
]

single = dict(hand_type='single')
train_dataloader = dict(
    batch_size=48,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(subset=single, pipeline=train_pipeline),
)
val_dataloader = dict(batch_size=48, dataset=dict(subset=single, pipeline=test_pipeline))
test_dataloader = dict(batch_size=48, dataset=dict(subset=single, pipeline=test_pipeline))

val_evaluator = dict(type='InterHandMetric', protocol='hdr')
test_evaluator = val_evaluator
