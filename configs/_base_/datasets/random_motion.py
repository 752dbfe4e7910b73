# Pairs of generated frames with exactly known flow, rendered as they are
# needed: new ones in each epoch of training, always the same in validation.
_base_ = ['loaders.py']

dataset_type = 'RandomMotionDataset'
clip_len = 2
size = (128, 128)
pipeline = [
    dict(type='FormatShape', input_format='NCTHW'),
    dict(
        type='PackActionInputs', algorithm_keys=('gt_flow', 'gt_flow_back'))
]

train_dataloader = dict(
    batch_size=2,
    num_workers=1,
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        length=1000,
        size=size,
        pipeline=pipeline))
auto_scale_lr = dict(base_batch_size=2)
val_dataloader = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        split='val',
        length=64,
        size=size,
        pipeline=pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type='EndPointError')
test_evaluator = val_evaluator
