# Table 2, "w/o cost-volume & multi-scale", with the small plan on generated
# data: both frames' features concatenated, 0.43 M parameters.
_base_ = ['uftsn_quickstart_no_multi_scale.py']

model = dict(
    flow_estimator=dict(
        use_cost_volume=False,
        decoder_channels=((), (), (144, 120, 96, 72, 56, 32), (), ())))
