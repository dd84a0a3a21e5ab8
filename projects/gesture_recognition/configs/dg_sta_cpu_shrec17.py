# Reduced: minutes on one CPU core.
_base_ = ['./dg_sta_shrec17.py']

train_cfg = dict(max_epochs=40)
param_scheduler = dict(type='CosineAnnealingLR', T_max=40, by_epoch=True)
