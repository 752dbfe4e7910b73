# Five classes of UCF101, a small plan and small frames: within half an hour
# on two CPU cores.
_base_ = [
    '_base_/models/uftsn_small_r18.py', '_base_/datasets/ucf101_subset.py',
    '_base_/schedules/three_stages.py'
]

model = dict(
    clip_len={{_base_.clip_len}},
    # At this size, many small steps take the flow off zero sooner than few
    # large ones.
    pairs_per_clip=1,
    cls_head=dict(num_classes={{_base_.num_classes}}))

# The classifier is random until stage 2.
train_cfg = dict(max_epochs=37, val_begin=25, val_interval=3)
default_hooks = dict(
    stages=dict(
        stages=dict(
            flow=dict(lr=dict(flow_estimator=1e-3)),
            classifier=dict(begin=24, lr=dict(backbone=5e-4, cls_head=5e-4)),
            joint=dict(begin=34))))
