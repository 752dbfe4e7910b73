# Table 2, "TV-L1": OpenCV's solver at its defaults in place of the estimator.
# It runs on the CPU, a pair of frames in each thread.
_base_ = ['uftsn_r18.py']

model = dict(
    flow_estimator=dict(
        _delete_=True, type='TVL1FlowEstimator', num_workers=8),
    # The estimator does not train.
    photometric_loss=None,
    smoothness_loss=None)
