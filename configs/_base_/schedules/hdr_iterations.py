# HDR counts iterations, not epochs; its configs set how many.
_base_ = ['../default_runtime.py']

train_cfg = dict(type='IterBasedTrainLoop', max_iters=500000, val_interval=2500)
val_cfg = dict()
test_cfg = dict()

default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=2500),
    logger=dict(log_metric_by_epoch=False),
)
log_processor = dict(by_epoch=False)
