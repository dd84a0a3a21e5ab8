# Unseen subjects, others than those of s1.
_base_ = ['./iahm_r50_dexycb-s1.py']

train_dataloader = dict(dataset=dict(setup='s10'))
test_dataloader = dict(dataset=dict(setup='s10'))
val_dataloader = test_dataloader
