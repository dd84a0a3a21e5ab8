# The paper's gain tables: SHPE trained on single hands and composites (hdr_shpe_sh_aih_interhand.py),
# put behind the first two stages as it is. For testing; training goes on with single hands through
# the pipeline.
_base_ = ['./hdr_sh_interhand.py']

pose_checkpoint = 'work_dirs/hdr_shpe_sh_aih_interhand/iter_600000.pth'
model = dict(pose_estimator=dict(init_cfg=dict(checkpoint=pose_checkpoint)))
