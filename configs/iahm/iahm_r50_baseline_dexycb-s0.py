# The anonymous baseline, all subjects seen in training.
_base_ = ['./iahm_r50_baseline_dexycb-s1.py']

train_dataloader = dict(dataset=dict(setup='s0'))
test_dataloader = dict(dataset=dict(setup='s0'))
val_dataloader = test_dataloader
