# The reduced HandOccNet, trained on crops that are blurred, coarsened and partly covered at random.
_base_ = ['./handoccnet_r18_cpu_ho3d.py']

train_pipeline = dict(
    occlude=dict(_before_='pack', type='HandBlurOcclusion', occlusion_prob=0.5),
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
