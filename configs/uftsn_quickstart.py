# The whole method on generated data in minutes on two CPU cores.
_base_ = [
    '_base_/models/uftsn_small_r18.py', '_base_/datasets/synthetic_motion.py',
    '_base_/schedules/three_stages.py'
]

model = dict(
    clip_len={{_base_.clip_len}},
    pairs_per_clip=1,
    cls_head=dict(num_classes={{_base_.num_classes}}, dropout_ratio=0.2),
    test_cfg=dict(return_flow=True))

# Validates the flow before there is a classifier, too, but less often.
train_cfg = dict(
    max_epochs=15, val_begin=1, val_interval=3, dynamic_intervals=[(10, 1)])
val_evaluator = [
    dict(type='AccMetric'),
    dict(type='MotionAccuracy', group_size=2, from_scores=True),
    dict(type='EndPointError')
]
test_evaluator = val_evaluator

default_hooks = dict(
    stages=dict(
        stages=dict(
            flow=dict(lr=dict(flow_estimator=1e-3)),
            classifier=dict(begin=9),
            joint=dict(begin=13, lr=dict(backbone=2e-4, cls_head=2e-4)))))
