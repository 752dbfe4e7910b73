# A spatial stream for CPUs, tests and small frames, from a random start.
_base_ = ['tsn_r152.py']

model = dict(
    backbone=dict(depth=18, pretrained=None),
    cls_head=dict(in_channels=512))
