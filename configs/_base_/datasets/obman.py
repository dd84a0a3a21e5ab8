# ObMan in its released layout; left hands are mirrored, crops are DexYCB's. The authors of SPMHand
# pre-train on it and published neither code nor schedule.
dataset_type = 'ObManDataset'
data_root = 'data/obman'
input_size = (256, 256)

train_pipeline = dict(
    load=dict(type='LoadHandImage'),
    masks=dict(type='LoadSoftHandMasks'),
    box=dict(type='HandOccNetBBoxCrop', enlarge=1.5, factor=1.0),
    affine=dict(
        type='RandomHandAffine',
        shift=0.0,
        scale=0.25,
        rotate=30.0,
        rotate_prob=0.6,
        flip_prob=0.0,
    ),
    mirror=dict(type='MirrorLeftHand'),
    warp=dict(type='HandTopdownAffine', input_size=input_size, mask_mode='linear'),
    color=dict(type='HandColorJitter', gain=(0.8, 1.2)),
    pack=dict(type='PackHandInputs'),
)
test_pipeline = dict(
    # The release warps unrounded floats.
    load=dict(type='LoadHandImage', to_float32=True),
    masks=dict(type='LoadSoftHandMasks', required=False),
    box=dict(type='HandOccNetBBoxCrop', enlarge=1.5, factor=1.0, whole_image=True),
    mirror=dict(type='MirrorLeftHand'),
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
        # Samples whose mesh no pose of the hand model explains are left out.
        subset=dict(mano=True),
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
        split='test',
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
val_dataloader = test_dataloader

test_evaluator = [
    dict(type='HandPoseMetric', protocol='dexycb_mesh', prefix='obman'),
    dict(type='HandMaskMetric'),
]
val_evaluator = test_evaluator
