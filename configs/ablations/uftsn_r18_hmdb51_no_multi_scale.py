# Table 2, "w/o multi-scale", on HMDB51, split 1.
_base_ = [
    '../_base_/models/uftsn_r18_no_multi_scale.py',
    '../_base_/datasets/hmdb51.py', '../_base_/schedules/three_stages.py',
    '../_base_/default_runtime.py'
]

model = dict(cls_head=dict(num_classes=51))
