# The paper's spatial stream on HMDB51; splits as in uftsn_r18_hmdb51.py.
_base_ = [
    '_base_/models/tsn_r152.py', '_base_/datasets/hmdb51.py',
    '_base_/schedules/tsn.py', '_base_/default_runtime.py'
]

model = dict(cls_head=dict(num_classes={{_base_.num_classes}}))

train_pipeline = {{_base_.frames_train_pipeline}}
val_pipeline = {{_base_.frames_val_pipeline}}
test_pipeline = {{_base_.frames_test_pipeline}}
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
auto_scale_lr = dict(base_batch_size=32)
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

if _base_.split > 1:
    work_dir = f'work_dirs/{{ fileBasenameNoExtension }}_split{_base_.split}'
