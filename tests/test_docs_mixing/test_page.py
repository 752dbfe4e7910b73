# SPDX-License-Identifier: Apache-2.0
"""The scripts of the page, and that no block is left out."""
import re

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from uftsn_mmaction.models.losses import UnsupervisedLoss


def test_every_block_is_tested(page):
    """Blocks of another language or kind would go untested."""
    assert page.text.count('```') == 2 * page.number
    assert page.configs and page.scripts
    assert len(page.scripts) == len(CHECKS)
    for name in page.configs:
        is_fusion = 'fusion.py' in page.configs[name] or (
            'FusionRecognizer' in page.configs[name])
        assert (name in page.fusions) >= is_fusion


def test_files_are_those_of_the_last_epochs(page, load):
    files = set(re.findall(r'work_dirs/(\w+)/epoch_(\d+)\.pth', page.text))
    assert files
    for name, epoch in files:
        assert load(name).train_cfg.max_epochs == int(epoch), name


@pytest.fixture(scope='module')
def trained(checkout, show_motion):
    """Weights of streams, and files of them where the scripts look."""
    weights = {}
    for name in ('tsn_r18_ucf101_subset', 'uftsn_r18_ucf101_subset',
                 'uftsn_r18_ucf101'):
        cfg = Config.fromfile(checkout / 'configs' / f'{name}.py')
        model = MODELS.build(cfg.model)
        show_motion(model)
        weights[name] = model.state_dict()
        folder = checkout / 'work_dirs' / name
        folder.mkdir(parents=True)
        torch.save(
            dict(state_dict=weights[name]),
            folder / f'epoch_{cfg.train_cfg.max_epochs}.pth')
    return weights


def check_recognizer(found, weights):
    sample = found['sample']
    assert sample.pred_score.shape == (5, )
    assert sample.pred_label.item() == sample.pred_score.argmax()
    streams = found['model'].streams
    for stream, name in (('spatial', 'tsn_r18_ucf101_subset'),
                         ('temporal', 'uftsn_r18_ucf101_subset')):
        for key, value in streams[stream].recognizer.state_dict().items():
            assert torch.equal(value, weights[name][key])


def check_inferencer(found, weights):
    prediction, = found['result']['predictions']
    scores, = prediction['rec_scores']
    assert len(scores) == 5 and np.ptp(scores) > 0
    assert prediction['rec_labels'] == [[int(np.argmax(scores))]]


def check_flow_backbone(found, weights):
    # As `load_from` has it, into a model of another start.
    saved = torch.load('work_dirs/flow_backbone.pth')
    cfg = Config.fromfile('configs/flow_backbone_ucf101.py')
    model = MODELS.build(cfg.model)
    model.load_state_dict(saved.get('state_dict', saved))
    backbone = model.backbone.state_dict()
    assert backbone
    for key, value in backbone.items():
        expected = weights['uftsn_r18_ucf101'][f'flow_estimator.{key}']
        assert torch.equal(value, expected)


def check_own_estimator(found, weights):
    kind = found['FarnebackFlowEstimator']
    try:
        estimator = MODELS.build(dict(type='FarnebackFlowEstimator'))
        # Waves that move one pixel to the right.
        x = torch.arange(64.) - torch.arange(3.).view(3, 1, 1)
        y = torch.arange(48.).view(48, 1)
        waves = 0.5 + 0.2 * (x / 3).sin() + 0.2 * (y / 4).cos()
        clip = waves.expand(1, 3, 3, 48, 64)
        u, v = estimator(clip)[..., 8:-8, 8:-8].mean((0, 2, 3, 4))
    finally:
        assert MODELS.module_dict.pop('FarnebackFlowEstimator') is kind
    assert abs(u - 1) < 0.2 and abs(v) < 0.2


def check_own_loss(found, weights):
    kind = found['ConsistencyLoss']
    try:
        loss = MODELS.build(
            dict(type='ConsistencyLoss', weight=2., level_weights=(1., )))
        flow = torch.ones(1, 2, 1, 8, 8)
        both = UnsupervisedLoss([loss])
        clip = torch.rand(1, 3, 2, 8, 8)
        # Of the flow of (1, 1) 49 of 64 pixels stay, of zero flow all.
        for back, error in ((-flow, 0.), (0 * flow, 2**0.5 * (1 + 49 / 64))):
            found = both((flow, ), (back, ), clip)['loss_consistency']
            torch.testing.assert_close(found, torch.tensor(error))
    finally:
        assert MODELS.module_dict.pop('ConsistencyLoss') is kind


#: Check of a script by a word of its own.
CHECKS = {
    'FlowLoss': check_own_loss,
    'PairwiseFlowEstimator': check_own_estimator,
    'inference_recognizer': check_recognizer,
    'MMAction2Inferencer': check_inferencer,
    'revise_keys': check_flow_backbone,
}


def test_script(script, checkout, trained, monkeypatch):
    check, = (check for word, check in CHECKS.items() if word in script)
    monkeypatch.chdir(checkout)
    found = {}
    exec(compile(script, 'docs/mixing.md', 'exec'), found)
    check(found, trained)
