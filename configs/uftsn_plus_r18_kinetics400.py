# The motion stream on Kinetics-400 from the flow in the box, for a fusion with
# published models of these classes.
_base_ = [
    '_base_/models/uftsn_plus_r18.py', '_base_/datasets/kinetics400.py',
    '_base_/schedules/three_stages_pretrained.py'
]

model = dict(
    clip_len={{_base_.clip_len}},
    cls_head=dict(num_classes={{_base_.num_classes}}))
