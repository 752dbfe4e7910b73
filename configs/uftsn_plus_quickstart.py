# The quickstart from the flow in the box, which shortens stages 1 and 2.
_base_ = ['uftsn_quickstart.py']

model = dict(
    flow_estimator=dict(plan='uftsn_plus_tiny', pretrained='uftsn_plus_tiny'),
    photometric_loss=dict(
        difference_weight=0.0,
        patch_size=7,
        census_penalty='robust',
        occlusion='forward_backward'),
    smoothness_loss=dict(weight=1.0, order=2),
    flow_losses=dict(
        self_supervision=dict(type='SelfSupervisionLoss', weight=0.3)))

train_cfg = dict(max_epochs=8, val_interval=1, dynamic_intervals=None)
default_hooks = dict(
    stages=dict(
        stages=dict(
            flow=dict(lr=dict(flow_estimator=1e-4)),
            classifier=dict(begin=2),
            joint=dict(begin=6))))
