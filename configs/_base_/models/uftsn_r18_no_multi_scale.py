# Table 2, "w/o multi-scale": one decoder at a quarter of the frame's size that
# starts from zero flow and searches 32 pixels around. It has the parameters of
# the whole plan, 5.7 M, and takes more time: 18 GMAC a pair at 224x224
# instead of 4.8. The losses stay as they are: each level sees the one flow at
# its own size.
_base_ = ['uftsn_r18.py']

model = dict(
    flow_estimator=dict(
        multi_scale=False,
        finest_level=2,
        max_displacement=8,
        # Levels without a decoder have no channels.
        decoder_channels=((), (), (448, 416, 384, 256, 128, 64), (), ())))
