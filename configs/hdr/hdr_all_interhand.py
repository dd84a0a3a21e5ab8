# HDR with SHPE trained on restored hands of all frames (IH26M-ALL of the paper's tables).
_base_ = ['./hdr_interhand.py']

train_dataloader = dict(dataset=dict(subset=dict(hand_type='all')))
