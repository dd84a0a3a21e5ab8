# Fine-tuning: sensor crops without labels, and as many rendered ones, from the pre-trained network.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/dsf_msra.py',
    '../_base_/models/dsf_r18.py',
    '../_base_/schedules/dsf_15e.py',
]

model = dict(
    camera='msra',
    # Trained first; None shows rendered crops as they are.
    generator=dict(
        type='ResNetGenerator',
        init_cfg=dict(
            type='Pretrained',
            prefix='generator.',
            checkpoint='work_dirs/dsf_cyclegan_msra/epoch_40.pth',
        ),
    ),
)

train_cfg = dict(max_epochs=10)
param_scheduler = dict(milestones=[6])

load_from = 'work_dirs/dsf_r18_pretrain_msra/epoch_10.pth'
