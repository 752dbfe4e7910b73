# Table 2, "w/o multi-scale": one decoder at a quarter of the frame's size that
# starts from zero flow and searches 32 pixels around (16 with the small plan).
# The losses stay as they are: each level sees the one flow at its own size.
#
# EXPERIMENT in the environment names the experiment to change:
# uftsn_r18_ucf101 (the default), uftsn_r18_hmdb51, uftsn_quickstart or
# uftsn_r18_ucf101_subset.
_base_ = ['../{{$EXPERIMENT:uftsn_r18_ucf101}}.py']

# As many parameters as the plan has, 5.7 M or 0.43 M, at a higher cost:
# 18 GMAC a pair at 224x224 instead of 4.8. Levels without a decoder have no
# channels.
__plan = _base_.model.flow_estimator.get('plan', 'uftsn')
model = dict(
    flow_estimator=dict(
        multi_scale=False,
        finest_level=2,
        **dict(
            uftsn=dict(
                max_displacement=8,
                decoder_channels=((), (), (448, 416, 384, 256, 128, 64), (),
                                  ())),
            uftsn_small=dict(
                max_displacement=4,
                decoder_channels=((), (), (120, 104, 96, 72, 56, 32), (),
                                  ())))[__plan]))

work_dir = ('work_dirs/{{$EXPERIMENT:uftsn_r18_ucf101}}_no_multi_scale' +
            _base_.get('split_suffix', ''))
