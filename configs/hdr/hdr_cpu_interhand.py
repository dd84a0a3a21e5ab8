# Reduced HDR for two CPU cores and synthetic sets: the three reduced stages, crops of 96 x 96.
_base_ = ['./hdr_interhand.py', '../_base_/models/hdr_reduced.py']

crop_size = 96
segmentor_checkpoint = 'work_dirs/hdr_hasm_mitb0_cpu_interhand/iter_5000.pth'
remover_checkpoint = 'work_dirs/hdr_hdrm_cpu_aih/iter_2500.pth'
pose_checkpoint = 'work_dirs/hdr_shpe_cpu_interhand/iter_3000.pth'
model = dict(
    crop_size=crop_size,
    segmentor=dict(**_base_.hdr_reduced.segmentor, init_cfg=dict(checkpoint=segmentor_checkpoint)),
    remover=dict(**_base_.hdr_reduced.remover, init_cfg=dict(checkpoint=remover_checkpoint)),
    pose_estimator=dict(
        **_base_.hdr_reduced.pose_estimator, init_cfg=dict(checkpoint=pose_checkpoint)
    ),
)

loader = dict(num_workers=1, pin_memory=False)
train_dataloader = dict(batch_size=8, dataset=dict(subset=dict(hand_type='all')), **loader)
val_dataloader = dict(**loader)
test_dataloader = dict(**loader)

train_cfg = dict(max_iters=700, val_interval=700)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = [dict(type='PolyLR', power=1.0, eta_min=2e-5, begin=0, end=700, by_epoch=False)]
auto_scale_lr = dict(base_batch_size=8)
default_hooks = dict(checkpoint=dict(interval=250))
