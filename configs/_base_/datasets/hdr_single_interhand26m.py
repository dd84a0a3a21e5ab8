# One hand of an InterHand2.6M frame, cut out with a box of twice its size as HDR's pipeline does;
# left hands are mirrored, so that the network sees right hands only.
_base_ = ['./interhand26m.py']

crop_size = 256
train_pipeline = dict(
    hand=dict(_before_='box', type='SelectHand', side='random'),
    box=dict(scale=2.0),
    affine=dict(flip_prob=0.0),
    mirror=dict(_before_='warp', type='MirrorLeftHand'),
    warp=dict(input_size=crop_size),
)
test_pipeline = dict(
    hand=dict(_before_='box', type='SelectHand', side='right'),
    box=dict(scale=2.0),
    mirror=dict(_before_='warp', type='MirrorLeftHand'),
    warp=dict(input_size=crop_size),
)

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
