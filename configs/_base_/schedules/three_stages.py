# Three stages in one run (sec. 3.2). The paper does not state their lengths;
# an experiment sets its own. To change one value on the command line:
#   --cfg-options default_hooks.stages.stages.classifier.begin=5
_base_ = ['adamw.py']

# The classifier is random until stage 2, so validation begins there.
train_cfg = dict(val_begin=31)

default_hooks = dict(
    stages=dict(
        type='StagedTrainingHook',
        stages=dict(
            flow=dict(begin=0, lr=dict(flow_estimator=5e-4)),
            classifier=dict(begin=30, lr=dict(backbone=1e-3, cls_head=1e-3)),
            joint=dict(
                begin=60,
                lr=dict(flow_estimator=2e-5, backbone=1e-4, cls_head=1e-4)))))
