# The motion stream behind the flow in the box. Its losses keep what the
# estimator learned from known motion: occluded pixels do not count, and its
# own flow of the whole frame teaches it what a crop hides.
_base_ = ['uftsn_r18.py']

model = dict(
    flow_estimator=dict(plan='uftsn_plus', pretrained='uftsn_plus'),
    photometric_loss=dict(
        difference_weight=0.0,
        patch_size=7,
        census_penalty='robust',
        occlusion='forward_backward'),
    # With a weight of 1, forward and backward flow agree less (docs/flow.md).
    smoothness_loss=dict(weight=12.0, order=2),
    flow_losses=dict(
        self_supervision=dict(type='SelfSupervisionLoss', weight=0.3)))
