# SPMHand as released (TMM 2024), with MANO, which its weights learned: set MMHAND_MANO_ROOT. On
# synthetic sets OpenHand stands in: --cfg-options model.mano_head.hand_model.type=OpenHand
model = dict(
    type='SPMHand',
    # RGB in [0, 1]: the authors use no ImageNet statistics, though the backbone starts from ImageNet.
    data_preprocessor=dict(mean=[0.0], std=[255.0], bgr_to_rgb=True),
    backbone=dict(
        type='HandResNet',
        depth=50,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    neck=dict(type='ProgressiveFPN', in_channels=(256, 512, 1024, 2048), channels=256),
    # loss_weight=100 switches on the 2D loss, which the configuration names and the code leaves out.
    pose_head=dict(type='SoftArgmaxHourglassHead', in_channels=256, loss_weight=0.0),
    visible_head=dict(type='SGDHead', in_channels=(256, 512, 1024, 2048), channels=64),
    whole_head=dict(type='HMAHead', channels=64, attention_channels=256, map_size=(32, 32)),
    segmentation_embedding=dict(type='SegmentationEmbedding', channels=256),
    encoder=dict(type='ManoEncoder', channels=256),
    mano_head=dict(type='ManoRegHead', hand_model=dict(type='MANO', side='right')),
    # Effective weights: 1e4 vertices, 1e4 joints, 10 rotations, 0.1 shape; 0.4 of that for the paths.
    loss_mano=[
        dict(type='ManoLoss', scale=0.4),
        dict(type='ManoLoss', scale=0.4),
        dict(type='ManoLoss', scale=0.4),
        dict(type='ManoLoss', scale=1.0),
    ],
    # loss_silhouette=dict(type='SilhouetteLoss') adds a render loss that has a gradient; the
    # release's has none and is left out.
)
