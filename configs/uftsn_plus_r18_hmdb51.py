# The motion stream of uftsn_r18_hmdb51.py from the flow in the box: a short
# adaptation to the videos, then the paper's second and third stage.
_base_ = [
    '_base_/models/uftsn_plus_r18.py', '_base_/datasets/hmdb51.py',
    '_base_/schedules/three_stages_pretrained.py'
]

model = dict(
    clip_len={{_base_.clip_len}},
    cls_head=dict(num_classes={{_base_.num_classes}}))

if _base_.split > 1:
    work_dir = f'work_dirs/{{ fileBasenameNoExtension }}_split{_base_.split}'
