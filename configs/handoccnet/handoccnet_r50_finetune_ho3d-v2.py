# Fine-tuning from a converted checkpoint (tools/model_converters/convert_checkpoint.py handoccnet).
_base_ = ['./handoccnet_r50_ho3d-v2.py']

optim_wrapper = dict(optimizer=dict(lr=5e-5))
train_cfg = dict(max_epochs=20)
param_scheduler = dict(milestones=[10])
load_from = 'checkpoints/handoccnet.pth'
