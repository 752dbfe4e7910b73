# Table 2, "w/o multi-scale", with the small plan on five classes of UCF101:
# one decoder at a quarter of the frame's size that searches 16 pixels around,
# 0.43 M parameters as before.
_base_ = ['../uftsn_r18_ucf101_subset.py']

model = dict(
    flow_estimator=dict(
        multi_scale=False,
        finest_level=2,
        max_displacement=4,
        # Levels without a decoder have no channels.
        decoder_channels=((), (), (120, 104, 96, 72, 56, 32), (), ())))
