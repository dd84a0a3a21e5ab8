# Pre-training on rendered crops alone, translated to the sensor's look.
_base_ = ['./dsf_r18_icvl.py']

model = dict(pretrain=True)
load_from = None
