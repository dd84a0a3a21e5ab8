# Reduced pre-training for minutes on two CPU cores, with the embedded hand.
_base_ = ['./dsf_r18_cpu_nyu.py']

model = dict(pretrain=True)
train_cfg = dict(max_epochs=3, streams='synthetic')
synthetic_dataloader = dict(batch_size=16)
param_scheduler = dict(milestones=[2])
auto_scale_lr = dict(base_batch_size=16)
load_from = None
