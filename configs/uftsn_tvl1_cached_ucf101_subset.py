# The classifier of uftsn_r18_ucf101_subset.py on TV-L1 flow that is computed
# once and cached. Epochs and rates are those of the control, whose estimator
# never trains either.
_base_ = [
    '_base_/datasets/ucf101_subset.py', '_base_/schedules/three_stages.py',
    '_base_/default_runtime.py'
]

cached_flow = dict(
    type='CachedFlow',
    estimator=dict(type='TVL1FlowEstimator', preset='fast'),
    cache_dir='data/flow_cache')

model = dict(
    type='CachedFlowRecognizer',
    clip_len={{_base_.clip_len}},
    flow_bound=20.0,
    backbone=dict(type='ResNet', depth=18, in_channels=10, norm_eval=False),
    cls_head=dict(
        type='TSNHead',
        num_classes={{_base_.num_classes}},
        in_channels=512,
        spatial_type='avg',
        consensus=dict(type='AvgConsensus', dim=1),
        dropout_ratio=0.5,
        init_std=0.01,
        average_clips='score'))

train_pipeline = [
    dict(type='DecordInit'),
    dict(
        type='SampleFrames',
        clip_len={{_base_.clip_len}},
        frame_interval={{_base_.frame_interval}},
        out_of_bound_opt='repeat_last'),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 112)),
    cached_flow,
    dict(type='RandomCrop', size=96),
    dict(type='FlipFlow', flip_ratio=0.5),
    dict(type='FormatFlow'),
    dict(type='PackActionInputs')
]
val_pipeline = [
    dict(type='DecordInit'),
    dict(
        type='SampleFrames',
        clip_len={{_base_.clip_len}},
        frame_interval={{_base_.frame_interval}},
        num_clips=3,
        out_of_bound_opt='repeat_last',
        test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 112)),
    cached_flow,
    dict(type='CenterCrop', crop_size=96),
    dict(type='FormatFlow'),
    dict(type='PackActionInputs')
]
test_pipeline = [
    dict(type='DecordInit'),
    dict(
        type='SampleFrames',
        clip_len={{_base_.clip_len}},
        frame_interval={{_base_.frame_interval}},
        num_clips=25,
        out_of_bound_opt='repeat_last',
        test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 112)),
    cached_flow,
    dict(type='CenterCrop', crop_size=96),
    dict(type='FormatFlow'),
    dict(type='PackActionInputs', meta_keys={{_base_.meta_keys}})
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

train_cfg = dict(max_epochs=13, val_begin=1, val_interval=3)

# One part, hence no stages.
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = dict(
    type='MultiStepLR', by_epoch=True, milestones=[10], gamma=0.2)
custom_hooks = [dict(type='EpochSeedHook')]
