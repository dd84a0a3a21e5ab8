# Translation of rendered crops to what NYU's sensor sees; its generator is frozen in DSF.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dsf_cyclegan.py',
    '../_base_/schedules/dsf_cyclegan_40e.py',
]
