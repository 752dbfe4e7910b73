# The quickstart from the flow in the box, refined: the shortest stage 1.
_base_ = ['uftsn_quickstart.py']

model = dict(
    flow_estimator=dict(
        _delete_=True,
        type='RefinedFlowEstimator',
        num_warps=3,
        unrolled=False,
        flow_estimator=dict(
            type='UnsupervisedFlowEstimator',
            pretrained='uftsn_plus_tiny',
            out_indices=(0, 1, 2, 3, 4))),
    photometric_loss=dict(
        difference_weight=0.0,
        patch_size=7,
        census_penalty='robust',
        occlusion='forward_backward'),
    smoothness_loss=dict(weight=1.0, order=2),
    flow_losses=dict(
        self_supervision=dict(type='SelfSupervisionLoss', weight=0.3)))

train_cfg = dict(max_epochs=7, val_interval=1, dynamic_intervals=None)
default_hooks = dict(
    stages=dict(
        stages=dict(
            flow=dict(lr=dict(flow_estimator=1e-4)),
            classifier=dict(begin=1),
            joint=dict(begin=5))))
