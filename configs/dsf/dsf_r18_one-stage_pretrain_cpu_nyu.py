# Reduced pre-training of one stage.
_base_ = ['./dsf_r18_pretrain_cpu_nyu.py']

model = dict(network=dict(num_stages=1))
