# Three stages in one run (sec. 3.2). The paper does not state their lengths;
# an experiment sets its own.
# The classifier is random until stage 2, so validation begins there.
train_cfg = dict(
    type='EpochBasedTrainLoop', max_epochs=80, val_begin=31, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4),
    clip_grad=dict(max_norm=20, norm_type=2),
    # One group per parameter, so that a stage can set the rate of each part.
    paramwise_cfg=dict(custom_keys=dict(flow_estimator=dict(lr_mult=1.0))))

custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(
        type='StagedTrainingHook',
        stages=[
            dict(name='flow', begin=0, lr=dict(flow_estimator=5e-4)),
            dict(
                name='classifier',
                begin=30,
                lr=dict(backbone=1e-3, cls_head=1e-3)),
            dict(
                name='joint',
                begin=60,
                lr=dict(flow_estimator=2e-5, backbone=1e-4, cls_head=1e-4))
        ])
]
