# CMR, pure pose (CMR-PG without a mask), as the identity-aware release trains it.
model = dict(
    type='CMR',
    variant='pg_pp',
    data_preprocessor=dict(mean=[127.5], std=[127.5], bgr_to_rgb=True),
    hand_model=dict(type='MANO', side='right', tip_preset='cmr'),
    backbone=dict(depth=18, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')),
    codec=dict(type='CMRHeatmap', input_size=224, heatmap_size=112, sigma=3.5),
    loss=dict(type='CMRLoss'),
)
