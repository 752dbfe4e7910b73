# The motion stream of the paper: 5.7 M parameters of flow estimator (table 3)
# before a ResNet-18 that takes the flows of a clip, 9 of 10 frames.
model = dict(
    type='UFTSNRecognizer',
    flow_estimator=dict(type='UnsupervisedFlowEstimator'),
    photometric_loss=dict(
        type='PhotometricLoss', difference_weight=0.2, census_weight=1.0),
    smoothness_loss=dict(type='SmoothnessLoss', weight=50.0),
    flow_bound=20.0,
    pairs_per_clip=2,
    backbone=dict(
        type='ResNet',
        depth=18,
        norm_eval=False,
        init_cfg=dict(
            type='CrossModalityPretrained',
            checkpoint='torchvision://resnet18')),
    cls_head=dict(
        type='TSNHead',
        num_classes=101,  # an experiment has those of its data set
        in_channels=512,
        spatial_type='avg',
        consensus=dict(type='AvgConsensus', dim=1),
        dropout_ratio=0.5,
        init_std=0.01,
        average_clips='score'),
    # Flow of five clips at a time: 25 at once would take several GB.
    test_cfg=dict(max_testing_views=5))

# Each stage leaves parts of the model without a gradient.
find_unused_parameters = True
