# Table 2, "TV-L1": OpenCV's solver at its defaults in place of the estimator.
# It runs on the CPU, a pair of frames in each thread, anew in every epoch: on
# UCF101 about 80 days of one core for each split. docs/cached_flow.md has what
# computes each pair once, and the weights of a classifier trained on that load
# into this model.
_base_ = ['uftsn_r18.py']

model = dict(
    flow_estimator=dict(
        _delete_=True, type='TVL1FlowEstimator', num_workers=8),
    # The estimator does not train.
    photometric_loss=None,
    smoothness_loss=None)
