# Table 2, "w/o multi-scale", on UCF101, split 1.
_base_ = [
    '../_base_/models/uftsn_r18_no_multi_scale.py',
    '../_base_/datasets/ucf101.py', '../_base_/schedules/three_stages.py',
    '../_base_/default_runtime.py'
]
