# UF-TSN as the paper evaluates it: both streams on UCF101, 25 samples of each
# video, average fusion. Splits are chosen as in uftsn_r18_ucf101.py.
_base_ = [
    '_base_/models/fusion.py', '_base_/datasets/ucf101.py',
    '_base_/default_runtime.py'
]

model = dict(
    streams=dict(
        spatial=dict(
            model='{{ fileDirname }}/tsn_r152_ucf101.py',
            checkpoint='work_dirs/tsn_r152_ucf101'
            f'{_base_.split_suffix}/epoch_50.pth',
            frames=5),
        temporal=dict(
            model='{{ fileDirname }}/uftsn_r18_ucf101.py',
            checkpoint='work_dirs/uftsn_r18_ucf101'
            f'{_base_.split_suffix}/epoch_80.pth')))

if _base_.split > 1:
    work_dir = f'work_dirs/{{ fileBasenameNoExtension }}_split{_base_.split}'

# The streams are trained one by one; this is for testing them.
train_dataloader = val_dataloader = val_evaluator = None
