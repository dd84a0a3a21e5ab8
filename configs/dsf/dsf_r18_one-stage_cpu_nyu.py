# Reduced fine-tuning of one stage.
_base_ = ['./dsf_r18_cpu_nyu.py']

model = dict(network=dict(num_stages=1))
load_from = 'work_dirs/dsf_r18_one-stage_pretrain_cpu_nyu/epoch_8.pth'
