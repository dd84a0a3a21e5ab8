# The reduced confidence stage on HUMBI, on the trained reduced baseline.
_base_ = ['./iahm_r18_baseline_cpu_humbi.py']

model = dict(
    confidence_head=dict(type='ConfidenceHead', in_channels=256, num_layers=1),
    loss_confidence=dict(type='PairRankingLoss', margin=1.0),
    confidence_only=True,
    bn_mode='train',
)
load_from = 'work_dirs/iahm_r18_baseline_cpu_humbi/epoch_14.pth'
train_dataloader = dict(batch_size=64)
auto_scale_lr = dict(base_batch_size=64)
