# Reduced fine-tuning for minutes on two CPU cores, with the embedded hand.
_base_ = ['./dsf_r18_nyu.py']

model = dict(
    hand_model=dict(_delete_=True, type='OpenHand', side='right'),
    network=dict(width=16, channels=64),
    generator=None,
    loss_self_supervised=dict(num_points=512),
)
train_cfg = dict(max_epochs=4)
train_dataloader = dict(batch_size=16, num_workers=1)
synthetic_dataloader = dict(
    batch_size=16,
    dataset=dict(num=4000, hand_model=dict(_delete_=True, type='OpenHand', side='right')),
)
val_dataloader = dict(num_workers=1)
test_dataloader = dict(num_workers=1)
param_scheduler = dict(milestones=[3])
auto_scale_lr = dict(base_batch_size=16)
load_from = 'work_dirs/dsf_r18_pretrain_cpu_nyu/epoch_8.pth'
