# The paper's motion stream on HMDB51, split 1, three stages in one run.
_base_ = [
    '_base_/models/uftsn_r18.py', '_base_/datasets/hmdb51.py',
    '_base_/schedules/three_stages.py', '_base_/default_runtime.py'
]

model = dict(cls_head=dict(num_classes=51))
