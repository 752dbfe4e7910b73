# Table 2, "w/o cost-volume & multi-scale": both frames' features concatenated,
# in the manner of Hidden Two-Stream; as deep as with a cost volume, and wider
# for the same 5.7 M parameters.
_base_ = ['uftsn_r18_no_multi_scale.py']

model = dict(
    flow_estimator=dict(
        use_cost_volume=False,
        decoder_channels=((), (), (512, 480, 416, 256, 128, 64), (), ())))
