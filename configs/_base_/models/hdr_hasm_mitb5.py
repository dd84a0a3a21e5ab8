# HASM to be trained.
_base_ = ['./hdr_networks.py']

# For ImageNet weights of the backbone: convert_checkpoint.py mit mit_b5.pth FILE, then
# init_cfg=dict(type='Pretrained', checkpoint=FILE, prefix='backbone.')
model = dict(
    _base_.hdr_networks.segmentor,
    data_preprocessor=dict(
        type='mmhand.HandDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    decode_head=dict(
        _base_.hdr_networks.segmentor.decode_head,
        norm_cfg=dict(type='SyncBN', requires_grad=True),
        loss_decode=dict(type='mmseg.CrossEntropyLoss', loss_weight=1.0),
    ),
)
