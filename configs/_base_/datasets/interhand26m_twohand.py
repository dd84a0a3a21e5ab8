# InterHand2.6M for Two-Hand-Shape-Pose: interacting frames, joints and parameters of the fitted MANO
# hands. The flags of the joints are the release's, wrong order included; see valid_rule.
_base_ = ['./interhand26m.py']

hand_model = dict(type='MANO', tip_preset='twohand')
mano = dict(
    subset=dict(hand_type='interacting', mano='any'),
    with_mano=True,
    hand_model=hand_model,
    joint_source='mano',
    valid_rule='twohand_release',
)
# The release leaves mano_valid where it is when it mirrors a sample.
train_pipeline = dict(warp=dict(swap_mano_valid=False))
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline, **mano))
val_dataloader = dict(dataset=dict(with_vertices=True, **mano))
test_dataloader = dict(dataset=dict(with_vertices=True, **mano))

# The release's numbers, and InterNet's way of counting with MRRPE and handedness (wrist root, no scale).
val_evaluator = [
    dict(type='HandPoseMetric', protocol='twohand'),
    dict(type='InterHandMetric', protocol='internet'),
]
# Do the hands touch as the annotated ones do? A pair of meshes takes some 50 ms: every tenth.
test_evaluator = [*val_evaluator, dict(type='HandContactMetric', interval=10)]
