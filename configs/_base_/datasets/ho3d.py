# HO3D v2 in its official layout, crops of 256 x 256 as HandOccNet and SPMHand make them.
dataset_type = 'HO3DDataset'
data_root = 'data/HO3D'
input_size = (256, 256)

train_pipeline = dict(
    load=dict(type='LoadHandImage'),
    masks=dict(type='LoadSoftHandMasks'),
    # The tight box of the joints, enlarged before it is clipped and squared.
    box=dict(type='HandOccNetBBoxCrop', enlarge=1.5, factor=1.0),
    affine=dict(
        type='RandomHandAffine',
        shift=0.0,
        scale=0.25,
        rotate=30.0,
        rotate_prob=0.6,
        flip_prob=0.0,
    ),
    warp=dict(type='HandTopdownAffine', input_size=input_size, mask_mode='linear'),
    color=dict(type='HandColorJitter', gain=(0.8, 1.2)),
    pack=dict(type='PackHandInputs'),
)
test_pipeline = dict(
    # The release warps unrounded floats.
    load=dict(type='LoadHandImage', to_float32=True),
    masks=dict(type='LoadSoftHandMasks', required=False),
    # The annotated box, enlarged after it is clipped and squared.
    box=dict(type='HandOccNetBBoxCrop', enlarge=1.0, factor=1.5, whole_image=True),
    warp=dict(type='HandTopdownAffine', input_size=input_size, mask_mode='linear'),
    pack=dict(type='PackHandInputs'),
)

train_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='train',
        version='v2',
        pipeline=train_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='evaluation',
        version='v2',
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
val_dataloader = test_dataloader

# submission='pred.zip' also writes what HO3D's server takes.
test_evaluator = [dict(type='HO3DMetric', protocol='ho3d_v2'), dict(type='HandMaskMetric')]
val_evaluator = test_evaluator
