# Both streams on five classes of UCF101, 25 samples of each video, average
# fusion.
_base_ = [
    '_base_/models/fusion.py', '_base_/datasets/ucf101_subset.py',
    '_base_/default_runtime.py'
]

model = dict(
    streams=dict(
        spatial=dict(
            model='{{ fileDirname }}/tsn_r18_ucf101_subset.py',
            checkpoint='work_dirs/tsn_r18_ucf101_subset/epoch_20.pth',
            frames=3),
        temporal=dict(
            model='{{ fileDirname }}/uftsn_r18_ucf101_subset.py',
            checkpoint='work_dirs/uftsn_r18_ucf101_subset/epoch_37.pth')))

# The streams are trained one by one; this is for testing them.
train_dataloader = val_dataloader = val_evaluator = None
