# The same in crops of 128 x 128 for two CPU cores.
_base_ = ['./wide_hands.py']

input_size = (128, 128)
train_pipeline = dict(warp=dict(input_size=input_size))
test_pipeline = dict(warp=dict(input_size=input_size))
loader = dict(batch_size=16, num_workers=2, pin_memory=False)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline), **loader)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)
val_dataloader = test_dataloader
