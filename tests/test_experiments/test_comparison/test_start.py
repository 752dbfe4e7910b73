# SPDX-License-Identifier: Apache-2.0
import torch
from mmaction.registry import MODELS

from uftsn_mmaction.experiments.comparison.entrants import read_entrants
from uftsn_mmaction.experiments.comparison.plan import (
    classifier_start,
    seeded_config,
    trained_weights,
    write_start,
)


def equal(one, other):
    assert list(one) == list(other)
    return all(torch.equal(one[name], other[name]) for name in one)


def test_one_seed_is_one_classifier_before_any_estimator(cfg):
    # One draws random weights of its own, the other has none.
    ours, dis = (
        seeded_config(cfg, 0, 'classifier', estimator).model
        for estimator in (None, dict(type='DISFlowEstimator')))
    start = classifier_start(ours, 0)
    assert equal(start, classifier_start(dis, 0))
    assert not equal(start, classifier_start(ours, 1))
    # The weights of a training, not those of a mere constructor.
    assert 0.009 < start['cls_head.fc_cls.weight'].std() < 0.011
    assert not start['cls_head.fc_cls.bias'].any()
    # The config is left as it was.
    assert dis.flow_estimator.type == 'DISFlowEstimator'


def test_a_start_fits_the_recognizer_and_keeps_the_weights(
        cfg, checkpoint, tmp_path):
    entrant, = read_entrants([f'uftsn_small:{checkpoint}'],
                             cfg.model.flow_estimator)
    model = seeded_config(cfg, 0, 'classifier', entrant.estimator).model
    path = tmp_path / 'new' / 'start.pth'
    write_start(path, model, 0, entrant.weights)
    assert equal(trained_weights(path), entrant.weights)
    # The trainer would leave out what does not fit by name.
    MODELS.build(model).load_state_dict(
        torch.load(path, weights_only=True)['state_dict'])
    # Without weights only the estimator is left to the trainer.
    write_start(path, model, 0, None)
    result = MODELS.build(model).load_state_dict(
        torch.load(path, weights_only=True)['state_dict'], strict=False)
    assert not result.unexpected_keys and all(
        name.startswith('flow_estimator.') for name in result.missing_keys)
