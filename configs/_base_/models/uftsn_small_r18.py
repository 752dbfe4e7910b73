# A flow estimator of 0.43 M parameters for CPUs, tests and small frames.
_base_ = ['uftsn_r18.py']

model = dict(
    flow_estimator=dict(
        pyramid_channels=(12, 16, 24, 32),
        decoder_channels=((8, 8), (16, 16), (32, 24, 16), (64, 48, 32),
                          (96, 80, 64, 32))),
    # A random start, by the means of ResNet itself.
    backbone=dict(
        _delete_=True, type='ResNet', depth=18, in_channels=18,
        norm_eval=False))
