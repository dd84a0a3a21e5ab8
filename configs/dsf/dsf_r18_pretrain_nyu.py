# Pre-training on rendered crops alone, translated to the sensor's look.
_base_ = ['./dsf_r18_nyu.py']

model = dict(pretrain=True)
# The real stream is not looked at.
train_cfg = dict(streams='synthetic')
load_from = None
