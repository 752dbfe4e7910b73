# Three stages for an estimator that knows motion already: the first one only
# adapts it to the videos.
_base_ = ['three_stages.py']

train_cfg = dict(max_epochs=55, val_begin=6)

default_hooks = dict(
    stages=dict(
        stages=dict(
            flow=dict(lr=dict(flow_estimator=1e-4)),
            classifier=dict(begin=5),
            joint=dict(begin=35))))
