# A flow estimator alone, from the weights in the box, on a folder of videos
# without labels (docs/unlabelled_videos.md):
#   mim train mmaction configs/flow_videos.py --cfg-options video_root=FOLDER
# From nothing: --cfg-options model.flow_estimator.pretrained=None
_base_ = ['_base_/datasets/loaders.py', '_base_/schedules/adamw.py']

# The runner hands it to the data sets.
video_root = 'data/ucf101_subset/videos'
runner_type = 'VideoFolderRunner'
clip_len = 2
size = 128
# Coarse levels cannot tell flow of a fraction of a pixel from none, and all
# levels share one decoder. With equal weights the two directions of the flow
# come to agree less.
level_weights = (1.0, 0.1, 0.1, 0.1, 0.1)

model = dict(
    type='UFTSNRecognizer',
    clip_len=clip_len,
    flow_estimator=dict(
        type='UnsupervisedFlowEstimator',
        plan='uftsn_plus',
        pretrained='uftsn_plus'),
    flow_losses=dict(
        photometric=dict(
            type='PhotometricLoss',
            difference_weight=0.0,
            patch_size=7,
            census_penalty='robust',
            occlusion='forward_backward',
            level_weights=level_weights),
        # With an edge weight of 1, noise of a few grey levels is an edge.
        smoothness=dict(
            type='SmoothnessLoss',
            weight=4.0,
            order=2,
            edge_weight=0.1,
            level_weights=level_weights),
        self_supervision=dict(type='SelfSupervisionLoss', weight=0.3)),
    loss_weights=dict(flow=1.0),
    test_cfg=dict(return_flow='both'))

frames = [
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, size)),
]
shaped = [
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs')
]
clips = dict(type='SampleMovingClips', clip_len=clip_len, size=size)
train_pipeline = [
    dict(type='DecordPathInit'), clips, *frames,
    dict(type='RandomCrop', size=size),
    dict(type='Flip', flip_ratio=0.5), *shaped
]
val_pipeline = [
    dict(type='DecordPathInit'),
    dict(clips, num_clips=3, test_mode=True), *frames,
    dict(type='CenterCrop', crop_size=size), *shaped
]

train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    dataset=dict(type='VideoFolderDataset', pipeline=train_pipeline))
auto_scale_lr = dict(base_batch_size=4)
val_dataloader = dict(
    batch_size=4,
    num_workers=2,
    dataset=dict(
        type='VideoFolderDataset', split='val', pipeline=val_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='ReconstructionError')
test_evaluator = val_evaluator

max_epochs = 4
train_cfg = dict(max_epochs=max_epochs, val_begin=1, val_interval=1)
optim_wrapper = dict(
    optimizer=dict(lr=1e-4), clip_grad=dict(max_norm=1, norm_type=2))
param_scheduler = dict(
    type='CosineAnnealingLR',
    T_max=max_epochs,
    eta_min_ratio=0.01,
    convert_to_iter_based=True)
default_hooks = dict(
    checkpoint=dict(save_best='flow/photometric', rule='less'),
    # Validation and checkpoints take the mean weights.
    ema=dict(type='EMAHook', momentum=0.01))
