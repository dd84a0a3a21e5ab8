# FreiHAND v2 in its official layout, all backgrounds; crops of CMR: about the mask with scale, shift and
# rotation in training, the central 130 pixels at test. Meshes are relative to the wrist.
dataset_type = 'FreiHANDDataset'
data_root = 'data/FreiHAND'
input_size = (224, 224)

train_pipeline = dict(
    load=dict(type='LoadHandImage'),
    masks=dict(type='LoadSoftHandMasks', masks=('visible',)),
    box=dict(type='CMRCrop', mode='mask', input_size=224),
    warp=dict(type='HandTopdownAffine', input_size=input_size, mask_mode='linear'),
    anchor=dict(type='AnchorMeshAtWrist'),
    pack=dict(type='PackHandInputs'),
)
test_pipeline = dict(
    load=dict(type='LoadHandImage'),
    box=dict(type='CMRCrop', mode='center', input_size=224),
    warp=dict(type='HandTopdownAffine', input_size=input_size),
    anchor=dict(type='AnchorMeshAtWrist'),
    pack=dict(type='PackHandInputs'),
)

train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='training',
        with_vertices=True,
        pipeline=train_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='evaluation',
        with_vertices=True,
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
val_dataloader = test_dataloader

# submission='pred.zip' also writes what FreiHAND's server takes.
test_evaluator = dict(type='FreiHANDMetric', protocol='freihand')
val_evaluator = test_evaluator
