# ObMan pre-training of the whole model; its checkpoint goes to spmhand_r50_finetune_ho3d-v2.py. The
# authors published weights of this stage but no recipe: the schedule is ours.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/spmhand_r50.py',
    '../_base_/datasets/obman.py',
    '../_base_/schedules/spmhand_40e.py',
]
