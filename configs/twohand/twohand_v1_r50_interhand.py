# The paper's model (first release, model.pts), for its weights: no batch normalisation in the mesh
# network, pictures less 0.5, volumes and joints in manopth's order, hands about their middle knuckle.
_base_ = ['./twohand_r50_interhand.py']

model = dict(
    heatmap=dict(head=dict(codec=dict(joint_set='canonical'))),
    backbone=dict(norm=False),
    head=dict(
        hand_model=dict(
            _delete_=True,
            type='MANO',
            model_path=None,
            tip_preset='manopth',
            center_joint='middle1',
            fix_shapedirs=True,
        )
    ),
    joint_set='canonical',
    mesh_mean=(0.5, 0.5, 0.5),
    mesh_std=(1.0, 1.0, 1.0),
)
