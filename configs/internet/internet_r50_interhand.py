# InterNet as published (Moon et al., ECCV 2020): 4 GPUs with 16 images each.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/interhand26m.py',
    '../_base_/schedules/internet_20e.py',
]

codec = dict(
    type='InterNetVolume',
    input_size=(256, 256),
    heatmap_size=(64, 64, 64),
    sigma=2.5,
    max_value=255.0,
    depth_bound=0.4,
    root_bins=64,
    root_depth_bound=0.4,
    joint_set='interhand21',
)
# The authors count the joints that data.json marks, whatever joint_3d.json says.
train_dataloader = dict(dataset=dict(valid_rule='internet'))
val_dataloader = dict(dataset=dict(valid_rule='internet'))
test_dataloader = dict(dataset=dict(valid_rule='internet'))

model = dict(
    type='InterNet',
    # RGB in [0, 1]: the authors use no ImageNet statistics.
    data_preprocessor=dict(mean=[0.0], std=[255.0], bgr_to_rgb=True),
    backbone=dict(
        type='mmpose.ResNet',
        depth=50,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    head=dict(
        type='InterNetHead',
        keypoint_head_cfg=dict(
            in_channels=2048,
            out_channels=21 * 64,
            depth_size=64,
            deconv_out_channels=(256, 256, 256),
            deconv_kernel_sizes=(4, 4, 4),
        ),
        root_head_cfg=dict(in_channels=2048, heatmap_size=64, hidden_dims=(512,)),
        hand_type_head_cfg=dict(in_channels=2048, num_labels=2, hidden_dims=(512,)),
        codec=codec,
    ),
    # The wrists' depths are the annotated ones; internet_r50_rootnet_interhand.py reads RootNet's.
    test_cfg=dict(flip_test=False, root_depth='sample'),
)
# A picture without annotation has no wrist depths: take those of a hand of common size.
inference = dict(cfg_options={'model.test_cfg.root_depth': 'bone_length'})

default_hooks = dict(checkpoint=dict(save_best='internet/MPJPE_all', rule='less'))
