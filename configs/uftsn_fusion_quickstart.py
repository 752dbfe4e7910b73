# Both streams of the quickstart, average fusion: motion from one, tint from
# the other.
_base_ = [
    '_base_/models/fusion.py', '_base_/datasets/synthetic_motion.py',
    '_base_/default_runtime.py'
]

model = dict(
    streams=dict(
        spatial=dict(
            model='{{ fileDirname }}/tsn_r18_quickstart.py',
            checkpoint='work_dirs/quickstart/spatial/epoch_4.pth',
            frames=3),
        temporal=dict(
            model='{{ fileDirname }}/uftsn_quickstart.py',
            checkpoint='work_dirs/quickstart/temporal/epoch_15.pth')),
    test_cfg=dict(max_testing_views=16))

# The streams are trained one by one; this is for testing them.
train_dataloader = val_dataloader = val_evaluator = None
