# Average fusion of the spatial and the temporal stream (sec. 3.2). Each is a
# config of its own with its own checkpoint.
model = dict(
    type='FusionRecognizer',
    streams=dict(spatial=dict(weight=1.0), temporal=dict(weight=1.0)),
    average='score',
    # Samples of a stream at a time, which bounds the memory.
    test_cfg=dict(max_testing_views=5))

# Metrics get the scores of each stream beside the fused ones.
custom_hooks = [dict(type='StreamScoresHook')]

test_cfg = dict(type='TestLoop')
