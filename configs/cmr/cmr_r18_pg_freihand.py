# CMR-PG on FreiHAND.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cmr_r18.py',
    '../_base_/datasets/freihand.py',
    '../_base_/schedules/cmr_39e.py',
]

model = dict(variant='pg')
