# The paper's spatial stream on UCF101, split 1.
_base_ = [
    '_base_/models/tsn_r152.py', '_base_/datasets/ucf101_frames.py',
    '_base_/schedules/tsn.py', '_base_/default_runtime.py'
]
