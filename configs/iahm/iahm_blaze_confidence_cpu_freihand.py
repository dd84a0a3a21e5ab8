# The reduced confidence stage, on the trained reduced baseline.
_base_ = ['./iahm_blaze_baseline_cpu_freihand.py']

model = dict(
    confidence_head=dict(type='ConfidenceHead', in_channels=1299, num_layers=1),
    loss_confidence=dict(type='PairRankingLoss', margin=1.0),
    confidence_only=True,
)
load_from = 'work_dirs/iahm_blaze_baseline_cpu_freihand/last.pth'
