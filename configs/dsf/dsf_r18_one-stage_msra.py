# One stage: no refinement, and no teacher but itself.
_base_ = ['./dsf_r18_msra.py']

model = dict(network=dict(num_stages=1))
load_from = 'work_dirs/dsf_r18_one-stage_pretrain_msra/epoch_10.pth'
