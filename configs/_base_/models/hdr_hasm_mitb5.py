# HASM as released: SegFormer with MiT-B5 and four mask branches (methods/hdr.md#amodal-segmentation).
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='HandAmodalSegmentor',
    data_preprocessor=dict(
        type='mmhand.HandDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(
        type='mmseg.MixVisionTransformer',
        embed_dims=64,
        num_layers=[3, 6, 40, 3],
        num_heads=[1, 2, 5, 8],
        drop_path_rate=0.1,
        # convert_checkpoint.py mit mit_b5.pth FILE, then
        # init_cfg=dict(type='Pretrained', checkpoint=FILE, prefix='backbone.')
    ),
    decode_head=dict(
        type='mmhand.AmodalSegHead',
        in_channels=[64, 128, 320, 512],
        channels=256,
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        loss_decode=dict(type='mmseg.CrossEntropyLoss', loss_weight=1.0),
    ),
)
