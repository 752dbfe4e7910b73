# The classifier of uftsn_r18_ucf101_subset.py on TV-L1 flow that is computed
# once and cached. Epochs and rates are those of the control, whose estimator
# never trains either.
_base_ = [
    '_base_/datasets/ucf101_subset.py', '_base_/schedules/adamw.py'
]

model = dict(
    type='CachedFlowRecognizer',
    clip_len={{_base_.clip_len}},
    flow_bound=20.0,
    backbone=dict(type='ResNet', depth=18, norm_eval=False),
    cls_head=dict(
        type='TSNHead',
        num_classes={{_base_.num_classes}},
        in_channels=512,
        spatial_type='avg',
        consensus=dict(type='AvgConsensus', dim=1),
        dropout_ratio=0.5,
        init_std=0.01,
        average_clips='score'))

# Frames as in the data set up to Resize, flow from there on.
cached_flow = dict(
    type='CachedFlow',
    estimator=dict(type='TVL1FlowEstimator', preset='fast'),
    cache_dir='data/flow_cache')
train_pipeline = [
    *_base_.train_pipeline[:4], cached_flow,
    dict(type='RandomCrop', size=96),
    dict(type='FlipFlow', flip_ratio=0.5),
    dict(type='FormatFlow'),
    dict(type='PackActionInputs')
]
val_pipeline = [
    *_base_.val_pipeline[:4], cached_flow,
    dict(type='CenterCrop', crop_size=96),
    dict(type='FormatFlow'),
    dict(type='PackActionInputs')
]
test_pipeline = [
    *_base_.test_pipeline[:4], cached_flow,
    dict(type='CenterCrop', crop_size=96),
    dict(type='FormatFlow'),
    dict(type='PackActionInputs', meta_keys={{_base_.meta_keys}})
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

train_cfg = dict(max_epochs=13, val_begin=1, val_interval=3)

# Only the classifier trains, hence no stages.
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = dict(
    type='MultiStepLR', by_epoch=True, milestones=[10], gamma=0.2)
