# Reduced HDR for two CPU cores and synthetic sets: the three reduced stages, crops of 96 x 96.
_base_ = ['./hdr_interhand.py']

crop_size = 96
segmentor_checkpoint = 'work_dirs/hdr_hasm_mitb0_cpu_interhand/iter_5000.pth'
remover_checkpoint = 'work_dirs/hdr_hdrm_cpu_aih/iter_2500.pth'
pose_checkpoint = 'work_dirs/hdr_shpe_cpu_interhand/iter_3000.pth'
model = dict(
    crop_size=crop_size,
    segmentor=dict(
        backbone=dict(embed_dims=32, num_layers=[2, 2, 2, 2], drop_path_rate=0.0),
        decode_head=dict(in_channels=[32, 64, 160, 256], channels=64),
        init_cfg=dict(checkpoint=segmentor_checkpoint),
    ),
    remover=dict(
        generator=dict(
            channels=(24, 48, 64, 96, 96),
            kernel_sizes=(5, 5, 3),
            normalize='ratio',
            encoder_attention={3: dict(num_heads=2, sr_ratio=2, mlp_ratio=2)},
            decoder_attention={},
        ),
        dilation=5,
        init_cfg=dict(checkpoint=remover_checkpoint),
    ),
    pose_estimator=dict(
        backbone=dict(base_channels=16, depths=(1, 1, 2), out_channels=64),
        head=dict(
            in_channels=64,
            hidden_channels=64,
            codec=dict(input_size=crop_size, heatmap_size=24, sigma=1.2, exact_border=True),
        ),
        init_cfg=dict(checkpoint=pose_checkpoint),
    ),
)

loader = dict(num_workers=1, pin_memory=False)
train_dataloader = dict(batch_size=8, dataset=dict(subset=dict(hand_type='all')), **loader)
val_dataloader = dict(**loader)
test_dataloader = dict(**loader)

train_cfg = dict(max_iters=700, val_interval=700)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = [dict(type='PolyLR', power=1.0, eta_min=2e-5, begin=0, end=700, by_epoch=False)]
auto_scale_lr = dict(base_batch_size=8)
default_hooks = dict(checkpoint=dict(interval=250))
