# All of the release's known flaws mended (README): right flags on right joints, mano_valid follows its
# hand when a sample is mirrored, no pull on the left hand's rotation, statistics that stay.
_base_ = ['./twohand_r50_interhand.py']

model = dict(loss=dict(regularize_left_orient=False), frozen_bn=True)
train_pipeline = dict(warp=dict(swap_mano_valid=True))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, valid_rule='twohand'))
val_dataloader = dict(dataset=dict(valid_rule='twohand'))
test_dataloader = dict(dataset=dict(valid_rule='twohand'))
