# Reduced for minutes on a CPU and synthetic sets, with the embedded hand: 96 x 96 pictures, a small
# mesh network from scratch, heat maps of internet_cpu_interhand.py. The release's flaws are mended.
_base_ = ['./twohand_r50_interhand.py', '../_base_/models/internet_24_cpu.py']

input_size = (96, 96)
hand_model = dict(type='OpenHand')
model = dict(
    heatmap=dict(
        **_base_.internet_24,
        init_cfg=dict(checkpoint='work_dirs/internet_cpu_interhand/epoch_24.pth'),
    ),
    backbone=dict(
        extra_channels=42 * 6,
        blocks=(1, 1, 1, 1),
        width=16,
        init_std=None,
        init_cfg=None,
    ),
    head=dict(
        hand_model=dict(_delete_=True, **hand_model),
        in_channels=(64, 128, 256, 512),
        feature_channels=256,
        hidden=(256, 256, 256, 256),
        trans_hidden=256,
        init_std=None,
    ),
    loss=dict(regularize_left_orient=False),
    frozen_bn=True,
)

train_pipeline = dict(
    # Little augmentation: in so few steps nothing is learned by heart.
    affine=dict(shift=0.05, scale=0.1, rotate_prob=0.0),
    warp=dict(input_size=input_size, swap_mano_valid=True),
)
test_pipeline = dict(warp=dict(input_size=input_size))
loader = dict(batch_size=16, num_workers=2, pin_memory=False)
mano = dict(hand_model=dict(_delete_=True, **hand_model), valid_rule='twohand')
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **mano), **loader)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **mano), **loader)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline, **mano), **loader)

train_cfg = dict(max_epochs=40, val_interval=40)
optim_wrapper = dict(optimizer=dict(lr=7e-4), clip_grad=dict(max_norm=1000.0))
param_scheduler = dict(milestones=[30, 37])
auto_scale_lr = dict(base_batch_size=16)
