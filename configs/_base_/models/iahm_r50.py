# The identity-aware network (ECCV 2022). The shape comes with the sample.
model = dict(
    type='IdentityAwareHandMesh',
    data_preprocessor=dict(mean=[127.5], std=[127.5], bgr_to_rgb=True),
    hand_model=dict(type='MANO', side='right', tip_preset='manopth'),
    backbone=dict(
        type='ResNetLogits',
        depth=50,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    pose_head=dict(type='IterativePose6DHead', agg='multiply', start='rows', eps=1e-6),
    loss=dict(type='IdentityAwareLoss'),
)
