# Second stage on HUMBI: a confidence branch on the trained baseline, which itself does not learn.
_base_ = ['./iahm_r50_baseline_humbi.py']

model = dict(
    backbone=dict(init_cfg=None),
    confidence_head=dict(type='ConfidenceHead', num_layers=1),
    loss_confidence=dict(type='PairRankingLoss', margin=1.0),
    confidence_only=True,
    bn_mode='train',
)
load_from = 'work_dirs/iahm_r50_baseline_humbi/epoch_20.pth'
train_dataloader = dict(batch_size=128)
auto_scale_lr = dict(base_batch_size=128)
