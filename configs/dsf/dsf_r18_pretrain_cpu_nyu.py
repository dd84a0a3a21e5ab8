# Reduced pre-training on two CPU cores (8000 steps), with the embedded hand.
_base_ = ['./dsf_r18_cpu_nyu.py']

model = dict(pretrain=True)
train_cfg = dict(max_epochs=8, streams='synthetic')
synthetic_dataloader = dict(batch_size=16, dataset=dict(num=16000))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = dict(T_max=8, eta_min=1e-5)
auto_scale_lr = dict(base_batch_size=16)
custom_hooks = [dict(type='ChannelsLastHook')]
load_from = None
