# Heat-map branch of twohand_cpu_interhand.py, small enough for minutes on a CPU: 96 x 96 pictures,
# volumes of 24^3 in MANO's order, on the joints of the fitted hands of interacting frames.
_base_ = ['../internet/internet_r18_cpu_interhand.py', '../_base_/models/internet_24_cpu.py']

input_size = (96, 96)
model = dict(
    backbone=_base_.internet_24.backbone,
    head=dict(**_base_.internet_24.head, loss_heatmap=dict(loss_weight=300.0)),
)
train_pipeline = dict(
    # Little augmentation: in so few steps nothing is learned by heart.
    affine=dict(shift=0.05, scale=0.1, rotate_prob=0.0),
    warp=dict(input_size=input_size),
)
test_pipeline = dict(warp=dict(input_size=input_size))
dataset = dict(
    subset=dict(hand_type='interacting', mano='any'),
    joint_source='mano',
    hand_model=dict(type='OpenHand'),
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **dataset))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline, **dataset))

train_cfg = dict(max_epochs=24, val_interval=6)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = dict(milestones=[18, 22])
