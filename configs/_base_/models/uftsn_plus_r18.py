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
    # As in flow_videos.py: with less, forward and backward flow agree less.
    smoothness_loss=dict(weight=12.0, order=2),
    flow_losses=dict(
        self_supervision=dict(type='SelfSupervisionLoss', weight=0.3)))
