# Five classes of UCF101 at small frames, for CPUs. data/ucf101_subset is a
# folder (or a link to one) with videos/, train.txt and test.txt.
_base_ = ['loaders.py']

data_root = 'data/ucf101_subset/videos'
ann_file_train = 'data/ucf101_subset/train.txt'
ann_file_test = 'data/ucf101_subset/test.txt'
num_classes = 5
# Every second frame: at 96x96 the motion from one frame to the next is mostly
# below half a pixel.
clip_len = 6
frame_interval = 2
# Score files keep the names, by which their videos are matched.
meta_keys = ('img_shape', 'filename')

center = [
    dict(type='Resize', scale=(-1, 112)),
    dict(type='CenterCrop', crop_size=96)
]

# Of the motion stream.
clips = dict(
    type='SampleFrames',
    clip_len=clip_len,
    frame_interval=frame_interval,
    out_of_bound_opt='repeat_last')
train_pipeline = [
    dict(type='DecordPathInit'), clips,
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 112)),
    dict(type='RandomCrop', size=96),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs')
]
val_pipeline = [
    dict(type='DecordPathInit'),
    dict(clips, num_clips=3, test_mode=True),
    dict(type='DecordDecode'),
    *center,
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs')
]
test_pipeline = [
    dict(type='DecordPathInit'),
    dict(clips, num_clips=25, test_mode=True),
    dict(type='DecordDecode'),
    *center,
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=meta_keys)
]

# Of the spatial stream: single frames, in testing the middle ones of the clips
# that the motion stream sees. Without strong changes of scale and colour, the
# stream would memorise the few scenes of each class.
frames_train_pipeline = [
    dict(type='DecordPathInit'),
    dict(type='SampleFrames', clip_len=1, num_clips=3),
    dict(type='DecordDecode'),
    dict(type='RandomResizedCrop', area_range=(0.3, 1.0)),
    dict(type='Resize', scale=(96, 96), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    # MMAction2 1.2.0 cannot change the hue with NumPy 2.
    dict(
        type='ColorJitter',
        brightness=0.5,
        contrast=0.5,
        saturation=0.5,
        hue=0),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs')
]
frames_val_pipeline = [
    dict(type='DecordPathInit'),
    dict(type='SampleFrames', clip_len=1, num_clips=3, test_mode=True),
    dict(type='DecordDecode'),
    *center,
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs')
]
frames_test_pipeline = [
    *test_pipeline[:2],
    dict(type='TakeFrames', frames=3),
    dict(type='DecordDecode'),
    *center,
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs', meta_keys=meta_keys)
]

train_dataloader = dict(
    num_workers=2,
    dataset=dict(
        ann_file=ann_file_train,
        data_prefix=dict(video=data_root),
        num_classes=num_classes,
        pipeline=train_pipeline))
val_dataloader = dict(
    num_workers=2,
    dataset=dict(
        ann_file=ann_file_test,
        data_prefix=dict(video=data_root),
        num_classes=num_classes,
        pipeline=val_pipeline))
test_dataloader = dict(
    num_workers=2,
    dataset=dict(
        ann_file=ann_file_test,
        data_prefix=dict(video=data_root),
        num_classes=num_classes,
        pipeline=test_pipeline))
