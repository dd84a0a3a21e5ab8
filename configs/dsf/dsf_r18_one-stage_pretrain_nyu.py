# Pre-training of the one-stage network.
_base_ = ['./dsf_r18_pretrain_nyu.py']

model = dict(network=dict(num_stages=1))
