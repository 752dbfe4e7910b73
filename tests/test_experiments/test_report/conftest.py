# SPDX-License-Identifier: Apache-2.0
"""The folder of a run, with every kind of file that a report shows."""
import json

import cv2
import numpy as np
import pytest
import torch
from bad_videos import encode
from mmengine.fileio import dump

CONFIG = """
model = dict(type='UFTSNRecognizer', flow_estimator=dict(
    type='UnsupervisedFlowEstimator', plan='uftsn_small'))
default_hooks = dict(stages=dict(type='StagedTrainingHook', stages=dict(
    flow=dict(begin=0), classifier=dict(begin=1))))
train_cfg = dict(max_epochs=2)
"""
LABELS = [0, 0, 1, 1, 2]
# Of the five videos; the third one is wrong and very sure, the last a little.
SCORES = [[4., 0, 0], [3, 0, 0], [9, 0, 0], [0, 5, 0], [0, 0.2, 0.1]]


def write_log(work_dir, records, start='20260101_000000'):
    folder = work_dir / start / 'vis_data'
    folder.mkdir(parents=True)
    (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, records)))
    return folder


@pytest.fixture
def run(tmp_path):
    """A training of two stages and a test of a fusion."""
    work_dir = tmp_path / 'run'
    folder = write_log(work_dir, [
        dict(flow_estimator_lr=1e-3, loss=9., loss_census=2., flow_std=0.5,
             epoch=1, iter=2, step=2),
        {'acc/top1': 0.5, 'flow/AEPE': 1.5, 'flow/AEPE_zero': 2., 'step': 1},
        dict(backbone_lr=2e-4, loss=3., loss_cls=3., epoch=2, iter=4, step=4),
        {'acc/top1': 0.4, 'flow/AEPE': 1., 'flow/AEPE_zero': 2., 'step': 2}])
    (folder / 'config.py').write_text(CONFIG)
    (folder / 'vis_image').mkdir()
    for step, value in ((1, 100), (2, 200)):
        cv2.imwrite(str(folder / 'vis_image' / f'flow_1_a_clip_{step}.png'),
                    np.full((40, 60, 3), value, np.uint8))
    names = [work_dir / f'{number}.mp4' for number in range(5)]
    for name in names[:3]:
        encode(name, number=6)
    dump([dict(pred_score=dict(spatial=torch.eye(3)[0],
                               fusion=torch.tensor(score)),
               gt_label=torch.tensor([label]), filename=str(name))
          for score, label, name in zip(SCORES, LABELS, names)],
         str(work_dir / 'scores.pkl'))
    start = work_dir / '20260102_000000'
    start.mkdir()
    (start / f'{start.name}.json').write_text(
        json.dumps({'acc/fusion_top1': 0.6, 'acc/spatial_top1': 0.4}))
    return work_dir
