# Reduced for two CPU cores and synthetic or small sets: ResNet-18 from scratch, 128 x 128 pictures,
# volumes of 32^3 with the peak found between voxels. Peaks of 10 instead of 255 are reached in few
# steps; the weight gives the loss the size it has with 255.
_base_ = ['./internet_r50_interhand.py']

input_size = (128, 128)
codec = dict(
    type='InterNetVolume',
    input_size=input_size,
    heatmap_size=(32, 32, 32),
    sigma=1.5,
    max_value=10.0,
    depth_bound=0.4,
    root_bins=32,
    root_depth_bound=0.4,
    joint_set='interhand21',
    refine='gaussian',
)
model = dict(
    backbone=dict(depth=18, init_cfg=None),
    head=dict(
        keypoint_head_cfg=dict(
            in_channels=512,
            out_channels=21 * 32,
            depth_size=32,
            deconv_out_channels=(128, 128, 128),
        ),
        root_head_cfg=dict(in_channels=512, heatmap_size=32, hidden_dims=(128,)),
        hand_type_head_cfg=dict(in_channels=512, num_labels=2, hidden_dims=(128,)),
        codec=dict(_delete_=True, **codec),
        loss_heatmap=dict(type='mmhand.GaussianVolumeLoss', loss_weight=650.0),
    ),
)

train_pipeline = dict(
    affine=dict(shift=0.1, scale=0.15, rotate=30.0), warp=dict(input_size=input_size)
)
test_pipeline = dict(warp=dict(input_size=input_size))
loader = dict(batch_size=16, num_workers=2, pin_memory=False)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline), **loader)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)

optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = dict(milestones=[15, 18])
auto_scale_lr = dict(base_batch_size=16)
