# Table 2, "TV-L1", on UCF101, split 1.
_base_ = [
    '../_base_/models/uftsn_r18_tvl1.py', '../_base_/datasets/ucf101.py',
    '../_base_/schedules/classifier.py', '../_base_/default_runtime.py'
]
