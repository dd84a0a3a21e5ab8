# DSF with two stages of ResNet-18 (docs/en/methods/dsf.md).
model = dict(
    type='DSF',
    hand_model=dict(type='MANO', side='right', tip_preset='dsf'),
    network=dict(type='DualBranchNet', depth=18, num_stages=2),
    camera='nyu',
)
