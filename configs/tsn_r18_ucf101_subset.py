# The spatial stream of the five classes: minutes on two CPU cores.
_base_ = [
    '_base_/models/tsn_r18.py', '_base_/datasets/ucf101_subset.py',
    '_base_/schedules/tsn.py', '_base_/default_runtime.py'
]

max_epochs = 20

model = dict(
    cls_head=dict(
        num_classes={{_base_.num_classes}}, label_smooth_eps=0.1))

train_pipeline = {{_base_.frames_train_pipeline}}
val_pipeline = {{_base_.frames_val_pipeline}}
test_pipeline = {{_base_.frames_test_pipeline}}
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
auto_scale_lr = dict(base_batch_size=16)
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=5e-4, weight_decay=5e-2))
param_scheduler = [
    dict(type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True)
]
