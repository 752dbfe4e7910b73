# SPDX-License-Identifier: Apache-2.0
import pytest

from uftsn_mmaction.engine.hooks.stage import stage_configs, stage_epochs
from uftsn_mmaction.experiments.comparison.plan import (
    DATA,
    read_config,
    seeded_config,
)


@pytest.mark.parametrize('data, lengths', [('quickstart', (9, 4, 2)),
                                           ('ucf101_subset', (24, 10, 3))])
def test_stages_of_the_shipped_configs(repo_root, data, lengths):
    plan = read_config(repo_root / 'configs' / DATA[data])
    assert [(name, len(epochs)) for name, epochs in stage_epochs(plan).items()
            ] == [*zip(('flow', 'classifier', 'joint'), lengths)]
    flow = seeded_config(plan, 1, 'flow')
    classifier = seeded_config(plan, 1, 'classifier', dict(type='X'))
    assert flow.model.flow_estimator == plan.model.flow_estimator
    assert classifier.model.flow_estimator == dict(type='X')
    for cfg, name, length in ((flow, 'flow', lengths[0]),
                              (classifier, 'classifier', lengths[1])):
        stage, = stage_configs(cfg)
        wanted, = (item for item in stage_configs(plan)
                   if item.name == name)
        assert stage == {**wanted, 'begin': 0}
        assert cfg.train_cfg.max_epochs == length
    staged = seeded_config(plan, 1)
    assert staged.train_cfg.max_epochs == sum(lengths)
    assert len(stage_configs(staged)) == 3
    for cfg in (flow, classifier, staged):
        assert cfg.load_from is None
        assert cfg.randomness.seed == 1
        # The order of the clips in each epoch follows from the seed alone.
        assert cfg.default_hooks.epoch_seed.type == 'EpochSeedHook'
        assert cfg.val_dataloader is None
    # The plan itself stays as it is.
    assert plan.randomness.seed == 0


def test_what_does_not_fit_is_named(config_file, tmp_path):
    def read(**options):
        return read_config(
            config_file,
            {key.replace('__', '.'): value
             for key, value in options.items()})

    with pytest.raises(FileNotFoundError, match='no.py'):
        read_config(tmp_path / 'no.py')
    with pytest.raises(ValueError, match='iterations'):
        read(default_hooks__stages__by_epoch=False)
    with pytest.raises(ValueError, match="'joint' of .*max_epochs=13"):
        read(train_cfg__max_epochs=13)
    with pytest.raises(ValueError, match='StagedTrainingHook'):
        read(default_hooks__stages=None)
    stock = tmp_path / 'stock.py'
    stock.write_text("model = dict(type='Recognizer2D')")
    with pytest.raises(ValueError, match='has no model.flow_estimator'):
        read_config(stock)
