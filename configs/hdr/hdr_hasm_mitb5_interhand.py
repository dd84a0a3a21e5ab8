# HASM as released (Meng et al., ECCV 2022; the authors published this stage's training config):
# AdamW 6e-5 x 48, linear warm-up of 1500 iterations, then linearly to zero. Their number of GPUs is
# not known; 8 are assumed, with 48 pictures each.
_base_ = [
    '../_base_/datasets/hdr_masks_interhand26m.py',
    '../_base_/schedules/hdr_iterations.py',
    '../_base_/models/hdr_hasm_mitb5.py',
]

# ImageNet weights of the backbone:
# python tools/model_converters/convert_checkpoint.py mit mit_b5.pth checkpoints/mit_b5_mmhand.pth
mit_b5 = 'checkpoints/mit_b5_mmhand.pth'
model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=mit_b5, prefix='backbone.')))

train_cfg = dict(max_iters=500000, val_interval=2500)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2.88e-3, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(
        custom_keys=dict(
            pos_block=dict(decay_mult=0.0),
            norm=dict(decay_mult=0.0),
            head=dict(lr_mult=10.0),
        )
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=1500, by_epoch=False),
    dict(type='PolyLR', power=1.0, eta_min=0.0, begin=1500, end=500000, by_epoch=False),
]
auto_scale_lr = dict(enable=False, base_batch_size=384)
default_hooks = dict(checkpoint=dict(save_best='amodal/mIoU', rule='greater'))
