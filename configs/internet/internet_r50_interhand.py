# InterNet as published (Moon et al., ECCV 2020): 4 GPUs with 16 images each.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/internet_r50.py',
    '../_base_/datasets/interhand26m.py',
    '../_base_/schedules/internet_20e.py',
]

# The authors count the joints that data.json marks, whatever joint_3d.json says.
train_dataloader = dict(dataset=dict(valid_rule='internet'))
val_dataloader = dict(dataset=dict(valid_rule='internet'))
test_dataloader = dict(dataset=dict(valid_rule='internet'))

model = dict(
    _base_.internet,
    # RGB in [0, 1]: the authors use no ImageNet statistics.
    data_preprocessor=dict(mean=[0.0], std=[255.0], bgr_to_rgb=True),
    backbone=dict(
        **_base_.internet.backbone,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    # The wrists' depths are the annotated ones; internet_r50_rootnet_interhand.py reads RootNet's.
    test_cfg=dict(flip_test=False, root_depth='sample'),
)
# A picture without annotation has no wrist depths: take those of a hand of common size.
inference = dict(cfg_options={'model.test_cfg.root_depth': 'bone_length'})

default_hooks = dict(checkpoint=dict(save_best='internet/MPJPE_all', rule='less'))
