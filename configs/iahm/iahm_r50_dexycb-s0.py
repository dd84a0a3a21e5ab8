# Identity-aware, all subjects seen in training; other splits by their names in the same two places.
_base_ = ['./iahm_r50_dexycb-s1.py']

train_dataloader = dict(dataset=dict(setup='s0'))
test_dataloader = dict(dataset=dict(setup='s0'))
val_dataloader = test_dataloader
