# Two-Hand-Shape-Pose as released (v2; Zhang et al., ICCV 2021): 4 GPUs with 32 images each. Its
# heat-map branch comes from configs/internet/internet_r50_mano21_interhand.py.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/internet_r50.py',
    '../_base_/datasets/interhand26m_twohand.py',
    '../_base_/schedules/twohand_100e.py',
]

model = dict(
    type='TwoHandShapePose',
    # RGB in [0, 1] for the heat-map branch; the mesh network normalises for itself.
    data_preprocessor=dict(mean=[0.0], std=[255.0], bgr_to_rgb=True),
    heatmap=dict(
        _base_.internet,
        head=dict(
            _base_.internet.head,
            # The order of its volumes: "interhand21" for a stock InterNet, which is re-ordered then.
            codec=dict(_base_.internet.head.codec, joint_set='mano21'),
        ),
        init_cfg=dict(
            type='Pretrained', checkpoint='work_dirs/internet_r50_mano21_interhand/epoch_20.pth'
        ),
    ),
    backbone=dict(
        type='MeshResNet',
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    head=dict(
        type='TwoHandMeshHead', hand_model=dict(type='MANO', model_path=None, tip_preset='twohand')
    ),
    loss=dict(type='TwoHandLoss', regularize_left_orient=True),
    # Its batch normalisation uses and changes batch statistics while the mesh network trains.
    frozen_bn=False,
)

default_hooks = dict(checkpoint=dict(save_best='twohand/MPJPE', rule='less'))
