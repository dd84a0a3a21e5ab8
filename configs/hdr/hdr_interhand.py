# HDR, the headline: SHPE trained on the hands of interacting frames after the first two stages, which
# are frozen and loaded from their checkpoints, have freed them of each other; tested as the whole
# pipeline on all frames. Schedule of hdr_shpe_interhand.py, from whose weights it starts.
_base_ = [
    '../_base_/datasets/interhand26m.py',
    '../_base_/schedules/hdr_iterations.py',
    '../_base_/models/hdr_networks.py',
]

# Made by hdr_hasm_mitb5_interhand.py, hdr_hdrm_aih.py and hdr_shpe_interhand.py, or converted from
# the authors' by tools/model_converters/convert_checkpoint.py hdr_hasm | hdr_hdrm | hdr_shpe.
segmentor_checkpoint = 'work_dirs/hdr_hasm_mitb5_interhand/iter_500000.pth'
remover_checkpoint = 'work_dirs/hdr_hdrm_aih/iter_138000.pth'
pose_checkpoint = 'work_dirs/hdr_shpe_interhand/iter_600000.pth'

model = dict(
    type='HDR',
    crop_size=256,
    segmentor=dict(
        **_base_.hdr_networks.segmentor,
        init_cfg=dict(type='Pretrained', checkpoint=segmentor_checkpoint),
    ),
    remover=dict(
        _base_.hdr_networks.remover,
        discriminator=None,
        init_cfg=dict(type='Pretrained', checkpoint=remover_checkpoint),
    ),
    pose_estimator=dict(
        **_base_.hdr_networks.pose_estimator,
        init_cfg=dict(type='Pretrained', checkpoint=pose_checkpoint),
    ),
    frozen=('segmentor', 'remover'),
    # Wrist to middle MCP of a common adult hand, for metric results where nothing better is known.
    bone_length=0.095,
)

# Whole pictures: the pipeline cuts the hands out itself.
train_pipeline = dict(box=None, affine=None, warp=None)
test_pipeline = dict(box=None, warp=None)

train_dataloader = dict(
    # Two hands in each picture: 48 hands.
    batch_size=24,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(subset=dict(hand_type='interacting'), pipeline=train_pipeline),
)
val_dataloader = dict(batch_size=16, dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(batch_size=16, dataset=dict(pipeline=test_pipeline))

# HDR's own protocol (wrist root, the annotated bone length as scale), and InterNet's.
val_evaluator = dict(_delete_=True, type='InterHandMetric', protocol='hdr')
test_evaluator = [
    dict(type='InterHandMetric', protocol='hdr'),
    dict(type='InterHandMetric', protocol='internet'),
]

train_cfg = dict(max_iters=600000, val_interval=3000)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
param_scheduler = dict(type='MultiStepLR', milestones=[500000, 550000], gamma=0.1, by_epoch=False)
auto_scale_lr = dict(enable=False, base_batch_size=192)
default_hooks = dict(checkpoint=dict(interval=3000, save_best='hdr/MPJPE_interacting', rule='less'))
