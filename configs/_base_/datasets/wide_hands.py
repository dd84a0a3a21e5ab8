# Made pictures of all gestures, turns, backgrounds and occluders, with strong augmentation: for real
# pictures. docs/en/real_pictures.md makes the set (layout of HO3D).
_base_ = ['./ho3d.py']

data_root = 'data/wide'
train_pipeline = dict(
    # Boxes of detectors are neither tight nor centred.
    box=dict(enlarge=1.3),
    affine=dict(shift=0.08, scale=0.2, rotate=40.0, rotate_prob=0.7),
    color=dict(gain=(0.65, 1.35)),
    photo=dict(_before_='pack', type='HandCameraJitter'),
    cover=dict(
        _before_='pack',
        type='HandBlurOcclusion',
        blur_prob=0.25,
        shrink_prob=0.25,
        occlusion_prob=0.3,
    ),
)
test_pipeline = dict(load=dict(to_float32=False), box=dict(factor=1.3))
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline))
val_dataloader = test_dataloader
