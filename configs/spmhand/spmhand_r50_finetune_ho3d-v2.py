# Fine-tuning from a whole checkpoint: converted (tools/model_converters/convert_checkpoint.py spmhand)
# or of spmhand_r50_pretrain_obman.py. The release halves the learning rate then.
_base_ = ['./spmhand_r50_ho3d-v2.py']

optim_wrapper = dict(optimizer=dict(lr=5e-5))
load_from = 'checkpoints/spmhand.pth'
