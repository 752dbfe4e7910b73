# Table 2, "w/o cost-volume & multi-scale": both frames' features concatenated,
# in the manner of Hidden Two-Stream; as deep as with a cost volume, and wider
# for the same number of parameters.
_base_ = ['uftsn_no_multi_scale.py']

__plan = _base_.model.flow_estimator.get('plan', 'uftsn')
model = dict(
    flow_estimator=dict(
        use_cost_volume=False,
        decoder_channels=dict(
            uftsn=((), (), (512, 480, 416, 256, 128, 64), (), ()),
            uftsn_small=((), (), (144, 120, 96, 72, 56, 32), (),
                         ()))[__plan]))

work_dir = ('work_dirs/{{$EXPERIMENT:uftsn_r18_ucf101}}'
            '_no_multi_scale_no_cost_volume' +
            _base_.get('split_suffix', ''))
