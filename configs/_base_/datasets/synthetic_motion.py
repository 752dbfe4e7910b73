# Generated videos of moving objects with exactly known flow; they are written
# to data_root when first needed, in about 20 seconds on one core. 16 classes:
# 8 motions, which one frame does not show, times 2 tints, which flow does not
# show.
_base_ = ['loaders.py']

dataset_type = 'SyntheticMotionDataset'
data_root = 'data/synthetic_motion'
num_classes = 16
clip_len = 6  # fewer than the paper's 10, for CPUs
# Score files keep the names, by which their videos are matched.
meta_keys = ('img_shape', 'filename')

# All splits of one data_root need the same settings.
generator = dict(
    num_train=384, num_test=96, size=(64, 64), num_frames=12, seed=0)

# Of the motion stream.
clips = dict(
    type='SampleFrames', clip_len=clip_len, out_of_bound_opt='repeat_last')
train_pipeline = [
    dict(type='DecordPathInit'), clips,
    dict(type='DecordDecode'),
    # No Flip: it would turn one motion class into another.
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs')
]
val_pipeline = [
    dict(type='DecordPathInit'),
    dict(clips, test_mode=True),
    dict(type='DecordDecode'),
    # Optional for the sake of videos that come without flow.
    dict(type='LoadGroundTruthFlow', optional=True),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(
        type='PackActionInputs',
        meta_keys=meta_keys,
        algorithm_keys=('gt_flow', ))
]
test_pipeline = val_pipeline

# Of the spatial stream: single frames, which show the tint and not the motion.
# In testing they are the middle ones of the clips that the motion stream sees.
frames_train_pipeline = [
    dict(type='DecordPathInit'),
    dict(type='SampleFrames', clip_len=1),
    dict(type='DecordDecode'),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs')
]
frames_val_pipeline = [
    *val_pipeline[:2],
    dict(type='TakeFrames', frames=3),
    dict(type='DecordDecode'),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs', meta_keys=meta_keys)
]
frames_test_pipeline = frames_val_pipeline

train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='train',
        generator=generator,
        pipeline=train_pipeline))
auto_scale_lr = dict(base_batch_size=16)
val_dataloader = dict(
    batch_size=16,
    num_workers=2,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='test',
        generator=generator,
        pipeline=val_pipeline))
test_dataloader = val_dataloader
