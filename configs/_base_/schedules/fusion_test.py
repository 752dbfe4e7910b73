# Test of trained streams: metrics get the scores of each stream beside the
# fused ones.
_base_ = ['../default_runtime.py']

default_hooks = dict(stream_scores=dict(type='StreamScoresHook'))

test_cfg = dict(type='TestLoop')
