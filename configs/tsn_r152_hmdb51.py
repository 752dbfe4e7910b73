# The paper's spatial stream on HMDB51, split 1.
_base_ = [
    '_base_/models/tsn_r152.py', '_base_/datasets/hmdb51_frames.py',
    '_base_/schedules/tsn.py', '_base_/default_runtime.py'
]

model = dict(cls_head=dict(num_classes=51))
