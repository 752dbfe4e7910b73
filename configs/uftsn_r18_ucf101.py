# The paper's motion stream on UCF101, three stages in one run. SPLIT=2 or
# SPLIT=3 in the environment chooses another split than the first, which has a
# folder of its own in work_dirs.
_base_ = [
    '_base_/models/uftsn_r18.py', '_base_/datasets/ucf101.py',
    '_base_/schedules/three_stages.py'
]

model = dict(
    clip_len={{_base_.clip_len}},
    cls_head=dict(num_classes={{_base_.num_classes}}))

if _base_.split > 1:
    work_dir = f'work_dirs/{{ fileBasenameNoExtension }}_split{_base_.split}'
