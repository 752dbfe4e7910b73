# UCF101 as MMAction2 prepares it: videos and a list of each split. SPLIT=2 or
# SPLIT=3 in the environment chooses another split than the first.
#
# 10 frames a clip and 25 samples in testing without augmentation, as in sec.
# 3.2; the paper does not state the frame size and the segments in training,
# which are those of TSN.
_base_ = ['loaders.py']

split = int('{{$SPLIT:1}}')
# Suffix of the work directory of each split but the first.
split_suffix = '' if split == 1 else f'_split{split}'
data_root = 'data/ucf101/videos'
ann_file_train = f'data/ucf101/ucf101_train_split_{split}_videos.txt'
ann_file_test = f'data/ucf101/ucf101_val_split_{split}_videos.txt'
num_classes = 101
clip_len = 10
# Score files keep the names, by which their videos are matched.
meta_keys = ('img_shape', 'filename')

# For flow alone, other transforms of MMAction2 serve as well, since they treat
# the frames of a clip alike: RandomResizedCrop, ColorJitter(brightness=0.3,
# contrast=0.3, saturation=0.3, hue=0.05), and larger motion by
# SampleFrames(frame_interval=2).
augmentation = [
    dict(type='Resize', scale=(-1, 256)),
    dict(
        type='MultiScaleCrop',
        input_size=224,
        scales=(1, 0.875, 0.75, 0.66),
        random_crop=False,
        max_wh_scale_gap=1),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    # The flow is estimated from the mirrored frames, so it is right.
    dict(type='Flip', flip_ratio=0.5)
]
center = [
    dict(type='Resize', scale=(-1, 256)),
    dict(type='CenterCrop', crop_size=224)
]

# Of the motion stream. repeat_last: a loop would show a jump where the video
# starts over.
clips = dict(type='SampleFrames', clip_len=clip_len,
             out_of_bound_opt='repeat_last')
train_pipeline = [
    dict(type='DecordPathInit'),
    dict(clips, num_clips=3),
    dict(type='DecordDecode'),
    *augmentation,
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

# Of the spatial stream: one frame of each segment. In testing it is the middle
# frame of the clips that the motion stream sees, so that a stream has the
# same scores alone and in the fusion.
frames_train_pipeline = [
    dict(type='DecordPathInit'),
    dict(type='SampleFrames', clip_len=1, num_clips=3),
    dict(type='DecordDecode'),
    *augmentation,
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
    dict(type='TakeFrames', frames=5),
    dict(type='DecordDecode'),
    *center,
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs', meta_keys=meta_keys)
]

train_dataloader = dict(
    dataset=dict(
        ann_file=ann_file_train,
        data_prefix=dict(video=data_root),
        num_classes=num_classes,
        pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(
        ann_file=ann_file_test,
        data_prefix=dict(video=data_root),
        num_classes=num_classes,
        pipeline=val_pipeline))
test_dataloader = dict(
    dataset=dict(
        ann_file=ann_file_test,
        data_prefix=dict(video=data_root),
        num_classes=num_classes,
        pipeline=test_pipeline))
