# Generated videos of moving objects with exactly known flow; they are written
# to data_root when first needed, in about 20 seconds on one core. 16 classes:
# 8 motions, which one frame does not show, times 2 tints, which flow does not
# show.
dataset_type = 'SyntheticMotionDataset'
data_root = 'data/synthetic_motion'

# All splits of one data_root need the same settings.
generator = dict(
    num_train=384, num_test=96, size=(64, 64), num_frames=12, seed=0)

clip_len = 6  # fewer than the paper's 10, for CPUs
# The video's name tells score files of different videos apart.
meta_keys = ('img_shape', 'filename')

train_pipeline = [
    dict(type='DecordInit'),
    dict(
        type='SampleFrames',
        clip_len=clip_len,
        out_of_bound_opt='repeat_last'),
    dict(type='DecordDecode'),
    # No Flip: it would turn one motion class into another.
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs')
]
val_pipeline = [
    dict(type='DecordInit'),
    dict(
        type='SampleFrames',
        clip_len=clip_len,
        out_of_bound_opt='repeat_last',
        test_mode=True),
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

# Workers are started anew in every epoch, so that EpochSeedHook can seed them:
# a resumed run draws the augmentations of an uninterrupted one.
train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='train',
        generator=generator,
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='test',
        generator=generator,
        pipeline=val_pipeline,
        test_mode=True))
test_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='test',
        generator=generator,
        pipeline=test_pipeline,
        test_mode=True))
