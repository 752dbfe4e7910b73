# A flow estimator alone, trained on the true flow of generated pairs. Other
# sizes: --cfg-options model.flow_estimator.plan=uftsn_plus_tiny (or uftsn).
_base_ = ['_base_/datasets/random_motion.py', '_base_/schedules/adamw.py']

model = dict(
    type='UFTSNRecognizer',
    clip_len={{_base_.clip_len}},
    flow_estimator=dict(
        type='UnsupervisedFlowEstimator',
        plan='uftsn_plus',
        out_indices=(0, 2, 3, 4)),
    flow_losses=dict(
        end_point_error=dict(
            type='EndPointErrorLoss', level_weights=(1., 1., 1., 1.))),
    loss_weights=dict(flow=1.0))

# 1000 pairs in both directions of time are an epoch. The rate stays up until
# the last quarter, so that a run may be prolonged before.
max_epochs = 120
cool_down = 90
train_cfg = dict(max_epochs=max_epochs, val_begin=1, val_interval=1)
optim_wrapper = dict(
    optimizer=dict(lr=8e-4), clip_grad=dict(max_norm=1, norm_type=2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=500),
    dict(
        type='LinearLR',
        start_factor=1.0,
        end_factor=0.01,
        begin=cool_down,
        end=max_epochs,
        convert_to_iter_based=True)
]

default_hooks = dict(
    checkpoint=dict(save_best='flow/AEPE', rule='less'),
    # An epoch is short here.
    flow_pictures=dict(interval=10),
    # Validation and checkpoints take the mean weights.
    ema=dict(type='EMAHook', momentum=0.005))
