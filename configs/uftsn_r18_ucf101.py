# The paper's motion stream on UCF101, split 1, three stages in one run.
_base_ = [
    '_base_/models/uftsn_r18.py', '_base_/datasets/ucf101.py',
    '_base_/schedules/three_stages.py', '_base_/default_runtime.py'
]
