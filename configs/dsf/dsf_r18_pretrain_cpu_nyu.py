# Reduced pre-training for minutes on two CPU cores, with the embedded hand.
_base_ = ['./dsf_r18_cpu_nyu.py']

model = dict(pretrain=True)
train_cfg = dict(max_epochs=8, streams='synthetic')
param_scheduler = dict(milestones=[6])
load_from = None
