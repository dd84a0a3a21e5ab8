default_scope = 'mmhand'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # Name a metric in save_best to keep the best checkpoint too.
    checkpoint=dict(type='HandCheckpointHook', interval=1, max_keep_ckpts=3, save_best=None),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    # Switched on by --show-dir.
    visualization=dict(type='HandVisualizationHook', enable=False),
    # Ends a run at the first loss or gradient that is not finite; action='skip' leaves the step out.
    finite=dict(type='NonFiniteHook', action='stop'),
    # Draws on terminals only.
    progress=dict(type='ProgressBarHook'),
)
custom_hooks = []

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # Without GPUs the launcher takes gloo.
    dist_cfg=dict(backend='nccl'),
)

# --tensorboard adds dict(type='TensorboardVisBackend'); add dict(type='WandbVisBackend') or another
# of mmengine's backends here or in a config of yours.
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='HandVisualizer', vis_backends=vis_backends)

log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True, num_digits=6)
log_level = 'INFO'

# seed=None draws one and logs it; --seed and --deterministic set these.
randomness = dict(seed=None, diff_rank_seed=False, deterministic=False)

# auto_scale_lr is set where the batch size is known.
load_from = None
resume = False
