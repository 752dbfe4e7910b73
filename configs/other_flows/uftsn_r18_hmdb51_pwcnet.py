# Table 2, "PWC-Net", on HMDB51, split 1.
_base_ = [
    '../_base_/models/uftsn_r18_pwcnet.py', '../_base_/datasets/hmdb51.py',
    '../_base_/schedules/classifier.py', '../_base_/default_runtime.py'
]

model = dict(cls_head=dict(num_classes=51))
