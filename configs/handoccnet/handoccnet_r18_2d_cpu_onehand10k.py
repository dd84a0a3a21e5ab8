# Reduced, and without anything in 3D: the hand model is held to joints in the picture.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/handoccnet_r18_cpu.py',
    '../_base_/datasets/onehand10k.py',
    '../_base_/schedules/mesh_cpu.py',
]

input_size = (128, 128)
model = dict(loss_2d=dict(type='WeakReprojectionLoss'))
pipeline = dict(warp=dict(input_size=input_size))
loader = dict(batch_size=16, num_workers=2, pin_memory=False)
train_dataloader = dict(dataset=dict(pipeline=pipeline), **loader)
test_dataloader = dict(dataset=dict(pipeline=pipeline), **loader)
val_dataloader = test_dataloader
