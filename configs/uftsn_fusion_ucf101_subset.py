# Both streams on five classes of UCF101, 25 samples of each video, average
# fusion. SPATIAL=tsn_efficientnet_lite0_ucf101_subset in the environment
# chooses the spatial stream that starts from ImageNet weights, and
# TEMPORAL=uftsn_plus_efficientnet_lite0_ucf101_subset TEMPORAL_EPOCH=17 the
# motion stream that also starts from the flow in the box.
_base_ = [
    '_base_/models/fusion.py', '_base_/datasets/ucf101_subset.py',
    '_base_/default_runtime.py'
]

model = dict(
    streams=dict(
        spatial=dict(
            model='{{ fileDirname }}/{{$SPATIAL:tsn_r18_ucf101_subset}}.py',
            checkpoint='work_dirs/{{$SPATIAL:tsn_r18_ucf101_subset}}/'
            'epoch_20.pth',
            frames=3),
        temporal=dict(
            model='{{ fileDirname }}/'
            '{{$TEMPORAL:uftsn_r18_ucf101_subset}}.py',
            checkpoint='work_dirs/{{$TEMPORAL:uftsn_r18_ucf101_subset}}/'
            'epoch_{{$TEMPORAL_EPOCH:37}}.pth')))

# The streams are trained one by one; this is for testing them.
train_dataloader = val_dataloader = val_evaluator = None
