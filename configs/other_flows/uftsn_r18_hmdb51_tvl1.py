# Table 2, "TV-L1", on HMDB51, split 1.
_base_ = [
    '../_base_/models/uftsn_r18_tvl1.py', '../_base_/datasets/hmdb51.py',
    '../_base_/schedules/classifier.py', '../_base_/default_runtime.py'
]

model = dict(cls_head=dict(num_classes=51))
