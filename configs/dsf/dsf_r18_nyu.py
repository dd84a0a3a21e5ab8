# Fine-tuning: sensor crops without labels, and as many rendered ones, from the pre-trained network.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/dsf_nyu.py',
    '../_base_/models/dsf_r18.py',
    '../_base_/schedules/dsf_15e.py',
]

model = dict(
    # Trained first; None shows rendered crops as they are.
    generator=dict(
        type='ResNetGenerator',
        init_cfg=dict(
            type='Pretrained',
            prefix='generator.',
            checkpoint='work_dirs/dsf_cyclegan_nyu/epoch_40.pth',
        ),
    ),
)

load_from = 'work_dirs/dsf_r18_pretrain_nyu/epoch_15.pth'
