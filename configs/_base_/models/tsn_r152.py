# The spatial stream of the paper: TSN with ResNet-152, stock parts only.
model = dict(
    type='Recognizer2D',
    backbone=dict(
        type='ResNet',
        depth=152,
        pretrained='torchvision://resnet152',
        norm_eval=False),
    cls_head=dict(
        type='TSNHead',
        num_classes=101,  # an experiment has those of its data set
        in_channels=2048,
        spatial_type='avg',
        consensus=dict(type='AvgConsensus', dim=1),
        dropout_ratio=0.5,
        init_std=0.01,
        average_clips='score'),
    data_preprocessor=dict(
        type='ActionDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        format_shape='NCHW'))
