# Five classes of UCF101 at small frames, from the flow in the box.
_base_ = [
    '_base_/models/uftsn_plus_r18.py', '_base_/datasets/ucf101_subset.py',
    '_base_/schedules/three_stages_pretrained.py'
]

model = dict(
    clip_len={{_base_.clip_len}},
    pairs_per_clip=1,
    # A random start, with ResNet's own initialisation.
    backbone=dict(_delete_=True, type='ResNet', depth=18, norm_eval=False),
    cls_head=dict(num_classes={{_base_.num_classes}}))

train_cfg = dict(max_epochs=17, val_begin=5, val_interval=3)
default_hooks = dict(
    stages=dict(
        stages=dict(
            classifier=dict(begin=2, lr=dict(backbone=5e-4, cls_head=5e-4)),
            joint=dict(begin=14))))
