# HandOccNet as released (CVPR 2022), with MANO, which its weights learned: set MMHAND_MANO_ROOT. On
# synthetic sets OpenHand stands in: --cfg-options model.mano_head.hand_model.type=OpenHand
#
# The release draws everything behind the pyramid anew: convolutions from N(0, 0.001), linear layers
# from N(0, 0.01).
init = [
    dict(type='Normal', layer=['Conv2d', 'ConvTranspose2d'], std=0.001),
    dict(type='Constant', layer=['BatchNorm2d', 'SyncBatchNorm'], val=1.0),
    dict(type='Normal', layer='Linear', std=0.01),
]
model = dict(
    type='HandOccNet',
    data_preprocessor=dict(mean=[0.0], std=[255.0], bgr_to_rgb=True),
    backbone=dict(
        type='HandResNet',
        depth=50,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    neck=dict(type='OccFPN', in_channels=(256, 512, 1024, 2048), channels=256),
    injector=dict(type='HandInjector', channels=256, map_size=(32, 32), init_cfg=init),
    pose_head=dict(
        type='SoftArgmaxHourglassHead', in_channels=256, loss_weight=100.0, init_cfg=init
    ),
    encoder=dict(type='ManoEncoder', channels=256, init_cfg=init),
    mano_head=dict(type='ManoRegHead', hand_model=dict(type='MANO', side='right'), init_cfg=init),
    loss_mano=dict(type='ManoLoss'),
)
# neck.smooth2 is computed and thrown away by the release; converted checkpoints carry it.
find_unused_parameters = True
