# Five classes of UCF101, a small plan and small frames: within half an hour
# on two CPU cores.
_base_ = [
    '_base_/models/uftsn_small_r18.py', '_base_/datasets/ucf101_subset.py',
    '_base_/schedules/three_stages.py', '_base_/default_runtime.py'
]

model = dict(
    clip_len=6,
    # At this size, many small steps take the flow off zero sooner than few
    # large ones.
    pairs_per_clip=1,
    backbone=dict(in_channels=10),
    cls_head=dict(num_classes=5))

# The classifier is random until stage 2.
train_cfg = dict(max_epochs=37, val_begin=25, val_interval=3)

custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(
        type='StagedTrainingHook',
        stages=[
            dict(name='flow', begin=0, lr=dict(flow_estimator=1e-3)),
            dict(
                name='classifier',
                begin=24,
                lr=dict(backbone=5e-4, cls_head=5e-4)),
            dict(
                name='joint',
                begin=34,
                lr=dict(flow_estimator=2e-5, backbone=1e-4, cls_head=1e-4))
        ])
]
