# A flow estimator of 0.43 M parameters for CPUs, tests and small frames.
_base_ = ['uftsn_r18.py']

model = dict(
    flow_estimator=dict(plan='uftsn_small'),
    # A random start, with ResNet's own initialisation.
    backbone=dict(_delete_=True, type='ResNet', depth=18, norm_eval=False))
