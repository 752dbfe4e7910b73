# Optimizer and loops of a motion stream; an experiment sets its epochs. The
# runtime is included, since MMEngine merges the hooks of a file and its base,
# but not those of two bases.
_base_ = ['../default_runtime.py']

train_cfg = dict(type='ResumableTrainLoop', max_epochs=80, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4),
    clip_grad=dict(max_norm=20, norm_type=2),
    # One group per parameter, so that a stage can set the rate of each part.
    paramwise_cfg=dict(custom_keys=dict(flow_estimator=dict(lr_mult=1.0))))

# The flow of three clips at every validation, in vis_data/vis_image.
default_hooks = dict(flow_pictures=dict(type='FlowPicturesHook', interval=1))
