# The spatial stream of the quickstart: it knows the tint and not the motion.
_base_ = [
    '_base_/models/tsn_r18.py', '_base_/datasets/synthetic_motion.py',
    '_base_/schedules/tsn.py', '_base_/default_runtime.py'
]

max_epochs = 4

model = dict(cls_head=dict(num_classes={{_base_.num_classes}}))

train_pipeline = {{_base_.frames_train_pipeline}}
val_pipeline = {{_base_.frames_val_pipeline}}
test_pipeline = {{_base_.frames_test_pipeline}}
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=1e-2))
param_scheduler = [
    dict(type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True)
]
