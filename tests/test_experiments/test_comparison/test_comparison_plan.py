# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from uftsn_mmaction.experiments.comparison.plan import (
    DATA,
    ComparisonPlan,
    check_seeds,
)


@pytest.mark.parametrize('data, lengths', [('quickstart', (9, 4, 2)),
                                           ('ucf101_subset', (24, 10, 3))])
def test_stages_of_the_shipped_configs(repo_root, data, lengths):
    plan = ComparisonPlan.from_file(repo_root / 'configs' / DATA[data])
    stages = ('flow', 'classifier', 'joint')
    assert tuple(map(plan.epochs_of, stages)) == lengths
    start = Path('start.pth')
    flow = plan.flow_config(1, start)
    classifier = plan.classifier_config({}, 1, start)
    for cfg, name, length in ((flow, 'flow', lengths[0]),
                              (classifier, 'classifier', lengths[1])):
        before, = (hook for hook in plan.cfg.custom_hooks
                   if hook.type == 'StagedTrainingHook')
        hook, = (hook for hook in cfg.custom_hooks
                 if hook.type == 'StagedTrainingHook')
        stage, = hook.stages
        wanted, = (item for item in before.stages if item.name == name)
        assert stage == {**wanted, 'begin': 0}
        assert cfg.train_cfg.max_epochs == length
    staged = plan.staged_config(1)
    assert staged.train_cfg.max_epochs == sum(lengths)
    assert len(staged.custom_hooks[-1].stages) == 3
    for cfg in (flow, classifier, staged):
        assert cfg.load_from == (None if cfg is staged else 'start.pth')
        assert cfg.randomness.seed == 1
        # The order of the clips in each epoch follows from the seed alone.
        assert cfg.custom_hooks[0].type == 'EpochSeedHook'
        assert cfg.val_dataloader is None
    # The plan itself stays as it is.
    assert plan.cfg.randomness.seed == 0


def test_what_does_not_fit_is_named(config_file, tmp_path):
    def read(**options):
        return ComparisonPlan.from_file(
            config_file,
            {key.replace('__', '.'): value
             for key, value in options.items()})

    with pytest.raises(FileNotFoundError, match='correct --configs-dir'):
        ComparisonPlan.from_file(tmp_path / 'no.py')
    with pytest.raises(ValueError, match='expected .*in epochs'):
        read(custom_hooks__1__by_epoch=False)
    with pytest.raises(ValueError, match="Stage 'joint' of .*max_epochs=13"):
        read(train_cfg__max_epochs=13)
    with pytest.raises(ValueError, match='one StagedTrainingHook'):
        read(custom_hooks=[])
    stock = tmp_path / 'stock.py'
    stock.write_text("model = dict(type='Recognizer2D')")
    with pytest.raises(ValueError, match='has no model.flow_estimator'):
        ComparisonPlan.from_file(stock)


def test_seeds_are_different_and_not_negative():
    assert check_seeds([2, 0]) == (2, 0)
    for seeds in ([], [1, 1], [-1]):
        with pytest.raises(ValueError, match='--seeds are'):
            check_seeds(seeds)
